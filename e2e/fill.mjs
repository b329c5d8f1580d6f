// Fills a running platform with everything that a page can show, by the API alone: people, cases, a batch in each state, lists
// of cards, partners with leads, versions of rules and a back-test. Gives the ids that the pages need.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DAY = 86_400_000;
const PATIENCE_MS = 120_000;
export const PASSWORD = 'paper boats drift far 4';
const PEOPLE = [['li.na', '李娜', ['analyst']], ['wang.jian', '王建', ['approver']], ['gao.yuan', '高远', ['senior_approver']], ['chen.yu', '陈宇', ['analyst', 'approver']], ['zhao.min', '赵敏', ['auditor']]];
const later = (days) => new Date(Date.now() + days * DAY).toISOString();
const whole = (days) => later(days).replace(/\.\d+/, '');

class Client {
  constructor(url) {
    this.url = url;
    this.cookie = '';
    this.csrf = '';
  }
  async call(method, path, body) {
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers: { 'Content-Type': 'application/json', Cookie: this.cookie, 'X-CSRF-Token': this.csrf }, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (response.status >= 400) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`), { status: response.status });
    this.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? this.cookie;
    const value = text ? JSON.parse(text) : null;
    this.csrf = value?.csrf_token ?? this.csrf;
    return value;
  }
  get(path) {
    return this.call('GET', path);
  }
  post(path, body) {
    return this.call('POST', path, body);
  }
  async signIn(username, password, next) {
    await this.post('/session', { username, password });
    await this.post('/session/password', { old_password: password, new_password: next });
    await this.post('/session', { username, password: next });
  }
  // An alert that joins the case in between makes the version old; the newest is taken then.
  async step(id, action, fields = {}) {
    for (;;) {
      try {
        const { version } = await this.get(`/cases/${id}`);
        return await this.post(`/cases/${id}/actions/${action}`, { version, fields });
      } catch (cause) {
        if (cause.status !== 409) throw cause;
      }
    }
  }
}

async function until(what, look) {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const value = await look();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const terms = (kind) => ({ kind, category: 'fraud', ground: 'afl-11', scope: '仅该主叫号码', reason: '团伙成员，核验是最轻的有效措施。', expires_at: later(7), notice: '请到营业厅核验登记信息，可申诉。', appeal_channel: '12321', ...(kind === 'suspend' ? { skip_reason: '正在行骗，提醒无效' } : {}) });
const RULE = (id, least) => `[[rule]]
id = "${id}"
entity = "number"
when = "calls_out_24h >= ${least}"
severity = 40
confidence = 0.5
topic = "burst_call"
title = { zh = "试行规则", en = "Trial of a rule" }
message = { zh = "一天内主叫较多。", en = "Makes many calls in a day." }
ground = "afl-11"
state = "live"
`;

async function fillCases(li, wang, chen, ids) {
  const rings = await until('two rings', async () => {
    const { items } = await li.get('/alerts?detector=ring&state=open&limit=5');
    return items.length > 1 && items;
  });
  const ring = await li.post('/cases', { alert_ids: [rings[0].id] });
  await li.step(ring.id, 'confirm', { finding: '同一基站、同一批被叫，几乎无人接听。' });
  const done = await li.post(`/cases/${ring.id}/batch-measures`, terms('reverify'));
  await wang.post(`/batch-measures/${done.id}/approve`, {});
  await wang.post(`/batch-measures/${done.id}/order`);
  const members = (await li.get(`/batch-measures/${done.id}/members`)).items;
  const open = await li.post('/appeals', { measure_id: members[0].id, claim: '我开修理店，回拨的都是顾客。', channel: '12321' });
  const answered = await li.post('/appeals', { measure_id: members[1].id, claim: '本人号码，被人冒用。', channel: '营业厅' });
  await chen.post(`/appeals/${answered.id}/decide`, { outcome: 'upheld', reason: '订单属实。', repair: '与团伙同处一个小区；号卡恢复原状。' });
  const second = await li.post('/cases', { alert_ids: [rings[1].id] });
  await li.step(second.id, 'confirm', { finding: '同一设备轮换多张卡。' });
  const waiting = await li.post(`/cases/${second.id}/batch-measures`, terms('suspend'));
  const number = await until('another number', async () => (await li.get('/alerts?entity_kind=number&state=open&limit=100')).items.find((one) => one.detector !== 'ring'));
  const single = await li.post('/cases', { alert_ids: [number.id] });
  await li.step(single.id, 'confirm', { finding: '与登记信息比对，无备案。' });
  await li.step(single.id, 'propose_measure', terms('suspend'));
  Object.assign(ids, { ring: ring.id, ringAlert: rings[0].id, suspend: single.id, alert: number.id, batch: done.id, waiting: waiting.id, measure: members[0].id, lifted: members[1].id, appeal: open.id, answered: answered.id });
  return members.map((one) => one.entity.token);
}

async function fillCards(admin, li, chen, wang, ids, { binary, data, config }) {
  const token = join(data, 'cards.token');
  writeFileSync(token, (await admin.post('/tokens', { name: 'carrier-a', roles: ['analyst'], expires_in_days: 30 })).token, { mode: 0o600 });
  const known = [...new Set((await li.get('/alerts?entity_kind=number&limit=200')).items.map((one) => one.entity.token))];
  const load = (name, lines) => {
    const file = join(data, name);
    writeFileSync(file, ['token,protected_group', ...lines].join('\n'));
    return JSON.parse(execFileSync(binary, ['measures', 'load', file, '--case', ids.ring, '--token-file', token, '--data', data, '--config', config, '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).batch;
  };
  const some = load('一月名单.csv', Array.from({ length: 3000 }, (_, i) => `n26-${String(i).padStart(32, '0')},${i % 6 ? 'none' : ''}`));
  const own = load('重点小区.csv', [...known.map((one, i) => `${one},${i % 7 ? 'none' : 'courier'}`), 'not a token,none']);
  await li.post(`/card-batches/${some}/propose`, terms('reverify'));
  await chen.post(`/card-batches/${own}/propose`, terms('reverify'));
  await wang.post(`/card-batches/${own}/approve`);
}

async function fillLeads(li, wang, ids, tokens) {
  const purposes = { fraud_number_check: 'afl-11', mule_account_check: 'afl-22' };
  const propose = (name, kind) => li.post('/leads/partners', { name, kind, agreement: '2026-17', purposes, expires_at: later(200), keep_unmatched_hours: 24 });
  const bank = await propose('江边银行', 'bank');
  const police = await propose('某市公安局反诈中心', 'police');
  await wang.post(`/leads/partners/${bank.id}/decide`, { accept: true, reason: '协议已阅。' });
  const [key] = (await wang.get(`/leads/partners/${bank.id}`)).keys;
  const secret = Buffer.from((await wang.post(`/leads/partners/${bank.id}/keys/${key.id}/reveal`)).key, 'hex');
  const grant = await li.post('/vault/grants', { case_id: ids.ring, ground_id: 'afl-32-appeal', scope: { tokens, fields: ['number'] }, minutes: 30, reason: '申诉' });
  await wang.post(`/vault/grants/${grant.id}/approve`, { reason: '需要' });
  const numbers = (await li.get(`/vault/grants/${grant.id}/values`)).values.map((one) => one.value);
  const line = (id, number, purpose = 'fraud_number_check') => [id, 'suspected_fraud', createHmac('sha256', secret).update(number).digest('hex'), whole(-0.1), '0.9', purpose, whole(20)].join(',');
  const lines = [...numbers.map((number, i) => line(`b-${i}`, number)), line('b-9', '+8613511112222'), line('b-10', numbers[0], 'marketing'), 'nonsense'];
  await li.post('/leads/files', { partner_id: bank.id, name: '线索-20261122.csv', content: ['lead_id,kind,hash,observed_at,confidence,purpose,expires_at', ...lines].join('\n') });
  const matched = (await li.get('/leads/matches')).items.find((one) => one.direction === 'in');
  await li.post(`/leads/matches/${matched.id}/feedback`, { result: 'confirmed' });
  await li.post('/leads/exports', { partner_id: bank.id, purpose: 'fraud_number_check' });
  Object.assign(ids, { bank: bank.id, police: police.id });
}

async function fillRules(li, ids) {
  const tried = await li.post('/rule-versions', { text: RULE('desk_trial', 20), note: '一天内主叫超过二十次。' });
  await li.post(`/rule-versions/${tried.id}/shadow`, { reason: '试行' });
  await li.post('/rule-versions', { text: RULE('desk_trial_2', 60), note: '更严的阈值。' });
  await li.post('/back-tests', { version: tried.id, warm_up_h: 1 });
  const test = await until('the back-test', async () => (await li.get('/back-tests')).items[0]);
  await li.post(`/rule-versions/${tried.id}/propose`, { reason: '回测结果可接受。', back_test: test.id });
  Object.assign(ids, { version: tried.id, test: test.id });
}

// `platform`: { url, password, binary, data, config }
export async function fill(platform) {
  const admin = new Client(platform.url);
  await admin.signIn('admin', platform.password, PASSWORD);
  const people = {};
  for (const [username, display_name, roles] of PEOPLE) {
    const made = await admin.post('/users', { username, display_name, roles });
    people[username] = new Client(platform.url);
    await people[username].signIn(username, made.initial_password, PASSWORD);
  }
  const { 'li.na': li, 'wang.jian': wang, 'chen.yu': chen } = people;
  const ids = {};
  const tokens = await fillCases(li, wang, chen, ids);
  await fillCards(admin, li, chen, wang, ids, platform);
  await fillLeads(li, wang, ids, tokens);
  await fillRules(li, ids);
  ids.incident = (await li.get('/incidents')).items[0]?.id;
  return ids;
}
