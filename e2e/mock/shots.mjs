// Looks at every page in both languages and both themes against the stand-in: screenshots, accessibility (axe-core),
// console errors and policy violations. `node mock/shots.mjs [page …]`; pictures go to e2e/out/shots/.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { launch } from '../browser.mjs';
import { setFaultHandler, start } from './server.mjs';
import * as world from './data.mjs';

const OUT = fileURLToPath(new URL('../out/shots/', import.meta.url));
mkdirSync(OUT, { recursive: true });
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const only = new Set(process.argv.slice(2).filter((a) => !a.startsWith('--')));
const quick = process.argv.includes('--quick');

const alert = world.alerts.find((a) => a.detector === 'burst_calling' && a.state === 'open');
const fresh = world.cases.find((c) => c.state === 'confirmed');
const proposed = world.cases.find((c) => c.state === 'measure_proposed');
const pages = [
  ['sign-in', null, '/sign-in'],
  ['password', 'fresh', '/password'],
  ['overview', 'li.na', '/'],
  ['alerts', 'li.na', '/alerts'],
  ['alerts-empty', 'li.na', '/alerts?q=nothing-like-this'],
  ['alert', 'li.na', `/alerts/${alert.id}`],
  ['incidents', 'li.na', '/incidents'],
  ['incident', 'li.na', `/incidents/${world.incidents[0].id}`],
  ['cases', 'li.na', '/cases'],
  ['case', 'li.na', `/cases/${fresh.id}`],
  ['case-second', 'li.na', `/cases/${proposed.id}`],
  ['intel', 'li.na', '/intel'],
  ['detectors', 'li.na', '/detectors'],
  ['rules', 'li.na', '/rules'],
  ['audit', 'auditor', '/audit'],
  ['users', 'admin', '/users'],
  ['system', 'admin', '/system'],
  ['profile', 'li.na', '/profile'],
  ['not-found', 'li.na', '/nowhere'],
].filter(([name]) => only.size === 0 || only.has(name));
const SIZES = [['wide', 1440, 900], ['small', 1024, 768], ['phone', 390, 844]];

let faults = 0;
const say = (text) => (console.log(text), faults++);
const told = new Set();
setFaultHandler((text) => told.has(text) || (told.add(text), say(`mock: ${text}`)));
const mock = await start(0);
const browser = await launch();

async function open(name, user, path, locale, theme, [size, width, height]) {
  const context = await browser.newContext({ viewport: { width, height }, locale: locale === 'zh' ? 'zh-CN' : 'en-US', colorScheme: theme, timezoneId: 'Asia/Shanghai' });
  const page = await context.newPage();
  const tag = `${name} ${locale} ${theme} ${size}`;
  page.on('console', (m) => m.type() === 'error' && !/401 \(|404 \(/.test(m.text()) && say(`${tag}: console: ${m.text()}`));
  page.on('pageerror', (e) => say(`${tag}: error: ${e.message}`));
  if (user) {
    await page.request.post(`${mock.url}/api/v1/session`, { data: { username: user, password: 'pandun' } });
  }
  await page.goto(mock.url + path);
  await page.locator('h1').first().waitFor({ state: 'attached' });
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
  if (name === 'overview') (await page.locator('.badge.live').waitFor(), await page.locator('[data-drawn="true"]').waitFor());
  if (name === 'alert') await page.locator('[data-testid="series-chart"][data-drawn="true"]').waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) say(`${tag}: the page is ${wide}px wider than the screen`);
  await page.screenshot({ path: `${OUT}${name}-${locale}-${theme}-${size}.png`, fullPage: true });
  if (size === 'wide') {
    await page.evaluate(await import('node:fs').then((fs) => fs.readFileSync(axePath, 'utf8')));
    const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] }));
    for (const v of result.violations) say(`${tag}: axe ${v.id} (${v.impact}): ${v.nodes.length}× ${v.nodes[0].html.slice(0, 160)} ${v.nodes[0].failureSummary?.split('\n')[1] ?? ''}`);
  }
  await context.close();
}

for (const [name, user, path] of pages) {
  for (const locale of ['zh', 'en']) for (const theme of ['light', 'dark']) if (!quick || (locale === 'zh') === (theme === 'light')) await open(name, user, path, locale, theme, SIZES[0]);
  if (!quick) {
    await open(name, user, path, 'en', 'light', SIZES[1]);
    await open(name, user, path, 'zh', 'light', SIZES[2]);
  }
}
await browser.close();
mock.close();
console.log(`${pages.length} pages seen, ${faults} faults`);
process.exit(faults ? 1 : 0);
