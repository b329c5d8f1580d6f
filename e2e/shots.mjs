// Looks at every page with content, on the real binary: both languages, both themes, three widths. Saves pictures to out/shots/
// and fails on an accessibility finding (axe-core), a page wider than the screen, a word that nobody translated, a policy
// violation or an error. `node shots.mjs [--quick] [page …]`; needs PANDUN_BIN as run.mjs does.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { fill, PASSWORD } from './fill.mjs';
import { faultsOf } from './look.mjs';
import { startPandun } from './pandun.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const OUT = here('./out/shots/');
const binary = process.env.PANDUN_BIN;
if (!binary) {
  console.error('PANDUN_BIN names no binary: PANDUN_BIN=build/release/pandun node e2e/shots.mjs');
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const quick = process.argv.includes('--quick');
const content = process.env.CONTENT_DIR ?? here('../content');
mkdirSync(OUT, { recursive: true });

let faults = 0;
const say = (text) => (console.log(text), faults++);
const platform = await startPandun({ binary, console: process.env.CONSOLE_DIST ?? here('../console/dist'), content, scenario: join(content, 'scenarios/ring.toml'), out: here('./out') });
const browser = await launch();
try {
  const ids = await fill({ ...platform, binary });
  const pages = Object.entries({
    'sign-in': [null, '/sign-in'],
    overview: ['li.na', '/'],
    alerts: ['li.na', '/alerts'],
    'alerts-empty': ['li.na', '/alerts?q=nothing-like-this'],
    alert: ['li.na', `/alerts/${ids.alert}`],
    'alert-ring': ['li.na', `/alerts/${ids.ringAlert}`],
    incidents: ['li.na', '/incidents'],
    'fraud-topics': ['li.na', '/fraud-topics'],
    models: ['li.na', '/models'],
    decisions: ['li.na', '/decisions'],
    incident: ['li.na', `/incidents/${ids.incident}`],
    cases: ['li.na', '/cases'],
    case: ['li.na', `/cases/${ids.ring}`],
    'case-waits': ['wang.jian', `/cases/${ids.suspend}`],
    'case-senior': ['gao.yuan', `/cases/${ids.suspend}`],
    'batch-form': ['li.na', `/cases/${ids.ring}/batch`],
    batches: ['li.na', '/batches'],
    batch: ['li.na', `/batches/${ids.batch}`],
    'batch-waits': ['wang.jian', `/batches/${ids.waiting}`],
    'batch-senior': ['gao.yuan', `/batches/${ids.waiting}`],
    measure: ['li.na', `/measures/${ids.measure}`],
    'measure-lifted': ['li.na', `/measures/${ids.lifted}`],
    appeals: ['chen.yu', '/appeals'],
    appeal: ['chen.yu', `/appeals/${ids.appeal}`],
    'appeal-answered': ['li.na', `/appeals/${ids.answered}`],
    leads: ['li.na', '/leads'],
    partner: ['li.na', `/leads/${ids.bank}`],
    'partner-proposed': ['wang.jian', `/leads/${ids.police}`],
    intel: ['li.na', '/intel'],
    detectors: ['li.na', '/detectors'],
    rules: ['li.na', '/rules'],
    version: ['wang.jian', `/rules/versions/${ids.version}`],
    'back-test': ['wang.jian', `/back-tests/${ids.test}`],
    audit: ['zhao.min', '/audit'],
    users: ['admin', '/users'],
    system: ['admin', '/system'],
    profile: ['li.na', '/profile'],
    'not-found': ['li.na', '/nowhere'],
  }).filter(([name]) => only.length === 0 || only.includes(name));

  const looks = quick
    ? [['zh', 'light', 'wide'], ['en', 'dark', 'phone']]
    : ['zh', 'en'].flatMap((language) => ['light', 'dark'].flatMap((theme) => ['wide', 'small', 'phone'].map((size) => [language, theme, size])));
  const SIZES = { wide: [1366, 768], small: [1024, 768], phone: [390, 844] };
  for (const [language, theme, size] of looks) {
    const contexts = new Map();
    const as = async (user) => {
      if (contexts.has(user)) return contexts.get(user);
      const [width, height] = SIZES[size];
      const context = await browser.newContext({ baseURL: platform.url, viewport: { width, height }, locale: language === 'zh' ? 'zh-CN' : 'en-US', colorScheme: theme, timezoneId: 'Asia/Shanghai' });
      if (user) await context.request.post('/api/v1/session', { data: { username: user, password: PASSWORD } });
      contexts.set(user, context);
      return context;
    };
    for (const [name, [user, path]] of pages) {
      const page = await (await as(user)).newPage();
      const tag = `${name} ${language} ${theme} ${size}`;
      page.on('console', (message) => message.type() === 'error' && !/40[14] \(/.test(message.text()) && say(`${tag}: console: ${message.text()}`));
      page.on('pageerror', (error) => say(`${tag}: error: ${error.message}`));
      await page.goto(path);
      for (const fault of await faultsOf(page, axe)) say(`${tag}: ${fault}`);
      await page.screenshot({ path: `${OUT}${name}-${language}-${theme}-${size}.png`, fullPage: true });
      await page.close();
    }
    for (const context of contexts.values()) await context.close();
  }
  console.log(`${pages.length} pages seen in ${looks.length} forms, ${faults} faults; pictures are in ${OUT}`);
} finally {
  await browser.close();
  await platform.stop();
}
process.exit(faults ? 1 : 0);
