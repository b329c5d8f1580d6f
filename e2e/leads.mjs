// Hashed leads in the browser: agreed by two people, a file taken in with its receipt, a match answered. Part of run.mjs.
import { createHmac } from 'node:crypto';

const DAY = 86_400_000;
const when = (offset) => new Date(Date.now() + offset).toISOString().replace(/\.\d+Z$/, 'Z');

export const leads = (world, check) => [
  ['a bank is proposed as a partner, and a second person accepts it', async () => {
    const { page } = world.analyst;
    await page.goto('/leads');
    await page.getByRole('heading', { name: 'Lead exchange', level: 1 }).waitFor();
    await world.analyst.accessible('leads');
    await page.getByRole('button', { name: 'Propose a partner' }).click();
    const dialog = page.getByRole('dialog', { name: 'Propose a partner' });
    await dialog.getByLabel('Partner', { exact: true }).fill('Bank of the River');
    await dialog.getByLabel('Number of the agreement or letter').fill('2026-17');
    await dialog.getByRole('checkbox', { name: 'Checking numbers suspected of fraud' }).check();
    await dialog.getByRole('button', { name: 'Propose a partner' }).click();
    await page.getByRole('link', { name: 'Bank of the River' }).click();
    await page.getByRole('heading', { name: /Bank of the River/ }).waitFor();
    world.partnerPath = new URL(page.url()).pathname;
    check((await page.getByRole('button', { name: 'Accept' }).count()) === 0, 'the proposer may accept the partner');

    const second = world.approver.page;
    await second.goto(world.partnerPath);
    await second.getByRole('button', { name: 'Accept' }).click();
    const reason = second.getByRole('dialog', { name: 'Accept' });
    await reason.getByLabel('Reason').fill('The agreement was read.');
    await reason.getByRole('button', { name: 'Accept' }).click();
    await second.getByRole('button', { name: 'Show the key' }).click();
    world.leadKey = Buffer.from((await second.getByTestId('secret').textContent()).trim(), 'hex');
    check(world.leadKey.length === 32, `the key has ${world.leadKey.length} bytes`);
    await second.getByRole('button', { name: 'I have noted it' }).click();
    check((await second.getByRole('button', { name: 'Show the key' }).count()) === 0, 'the key can be shown twice');
  }],
  ['its file is matched by hash, with a receipt line by line', async () => {
    const { page } = world.analyst;
    await page.goto(world.partnerPath);
    const line = (id, number, purpose = 'fraud_number_check') =>
      [id, 'suspected_fraud', createHmac('sha256', world.leadKey).update(number).digest('hex'), when(-3_600_000), '0.9', purpose, when(20 * DAY)].join(',');
    const file = ['lead_id,kind,hash,observed_at,confidence,purpose,expires_at', line('b-1', world.clear), line('b-2', '+8613511112222'), line('b-3', world.clear, 'marketing')].join('\n');
    await page.getByLabel('Import a lead file (CSV or JSON lines)').setInputFiles({ name: 'day.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
    await page.getByRole('status').filter({ hasText: '2 accepted, 1 matched.' }).waitFor();
    await page.getByRole('button', { name: 'day.csv' }).click();
    const receipt = page.getByRole('dialog', { name: 'Receipt: day.csv' });
    await receipt.getByRole('cell', { name: 'Other purpose' }).waitFor();
    check(!(await receipt.textContent()).includes(world.clear.slice(-8)), 'the receipt shows a clear number');
    await receipt.getByRole('button', { name: 'Close' }).click();
    const row = page.getByRole('table', { name: 'Leads that matched or were given' }).getByRole('row').filter({ hasText: '*' });
    await row.getByRole('button', { name: 'Give feedback' }).click();
    await page.getByRole('dialog', { name: 'Give feedback' }).getByRole('button', { name: 'Save' }).click();
    await row.getByText('Confirmed').waitFor();
    await world.analyst.accessible('lead partner');
  }],
];
