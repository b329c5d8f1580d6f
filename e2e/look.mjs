// What is wrong with a page as it stands: still loading, too wide, untranslated, not accessible.
const PATIENCE_MS = Number(process.env.E2E_STEP_MS ?? 20000);

export async function settled(page) {
  await page.locator('h1').first().waitFor({ state: 'attached' });
  // Some parts begin to load when others are there.
  for (const end = Date.now() + PATIENCE_MS; (await page.locator('.skeleton').count()) > 0; ) {
    if (Date.now() > end) throw new Error(`${page.url()} is still loading`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // Colours on their way from one theme to the other have whatever contrast they have.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity).map((a) => a.finished)));
}

export async function inaccessible(page, axe) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] }));
  return result.violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
}

export async function faultsOf(page, axe) {
  await settled(page);
  const faults = [];
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) faults.push(`${wide} px wider than the screen`);
  const raw = await page.evaluate(() =>
    [...document.querySelectorAll('main *, dialog *')]
      .filter((one) => one.childElementCount === 0 && !one.closest('code, pre, .mono, .num'))
      .map((one) => one.textContent.trim())
      .filter((text) => /^[a-z]+(_[a-z]+)*\.[a-z]+_[a-z_.]+$|\bundefined\b|\bNaN\b|\[object /.test(text)),
  );
  if (raw.length > 0) faults.push(`words that nobody translated: ${raw.join(', ')}`);
  return [...faults, ...(await inaccessible(page, axe)).map((one) => `not accessible: ${one}`)];
}
