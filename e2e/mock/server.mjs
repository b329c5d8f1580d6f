// A stand-in for the API, for looking at the console and nothing else. It serves console/dist under the same strict
// Content-Security-Policy as the binary. Users: admin, li.na, wang.jian, auditor, viewer, fresh; every password is "pandun".
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as world from './data.mjs';
import { faultsOf, schemaOfAnswer } from './schema.mjs';

const DIST = fileURLToPath(new URL('../../console/dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
export const CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const user = (id, username, display_name, roles, must = false) => ({ id, username, display_name, roles, disabled: false, must_change_password: must, created_at: '2026-07-01T02:00:00Z' });
const users = [
  user('u1', 'admin', 'Administrator', ['admin']),
  user('u2', 'li.na', '李娜', ['analyst']),
  user('u3', 'wang.jian', '王建', ['approver', 'analyst']),
  user('u4', 'auditor', '赵审计', ['auditor']),
  user('u5', 'viewer', 'Viewer', ['viewer']),
  user('u6', 'fresh', '新用户', ['analyst'], true),
];
const tokens = [{ id: 't1', name: 'softswitch-1', roles: ['viewer'], created_by: 'admin', created_at: '2026-07-02T02:00:00Z', expires_at: '2027-07-02T02:00:00Z', revoked_at: null }];
const sessions = new Map();
let onFault = (text) => console.error(`mock: ${text}`);
export const setFaultHandler = (handler) => (onFault = handler);
const grants = [];
const streams = new Set();
let eventId = 0;
const replay = [];

class Refusal extends Error {
  constructor(status, code, detail, advice = { zh: '', en: '' }, errors) {
    super(detail);
    Object.assign(this, { status, code, advice, errors });
  }
}
const need = (who, ...roles) => {
  if (!roles.some((role) => who.roles.includes(role))) throw new Refusal(403, 'not_allowed', `needs one of: ${roles.join(', ')}`, { zh: '请联系管理员调整角色。', en: 'Ask an administrator for the role.' });
};
const found = (value) => {
  if (!value) throw new Refusal(404, 'not_found', 'no such thing');
  return value;
};
const page = (list, q, seq = (x) => x.seq) => {
  const after = q.get('cursor') ? Number(q.get('cursor')) : Infinity;
  const limit = Number(q.get('limit') ?? 50);
  const rest = list.filter((x) => seq(x) < after);
  const items = rest.slice(0, limit);
  return { items, next: rest.length > limit ? String(seq(items.at(-1))) : null };
};
const password = (text) => {
  if ([...(text ?? '')].length < 10) throw new Refusal(400, 'usage', '1 fault in the body', { zh: '请更正。', en: 'Correct the request.' }, [{ where: '/new_password', message: 'at least 10 characters' }]);
};

function broadcast(event, data) {
  const id = ++eventId;
  const text = `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  if (event === 'alert') replay.push({ id, text });
  for (const stream of streams) stream.write(text);
}
const secret = () => Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 7)).join('-');
const sessionBody = (s) => ({ user: (({ id, username, display_name, roles, must_change_password }) => ({ id, username, display_name, roles, must_change_password }))(s.user), csrf_token: s.csrf, expires_at: new Date(Date.now() + 8 * 3600000).toISOString() });

const routes = [
  ['POST', /^\/session\/password$/, ({ me, body, session }) => (password(body.new_password), (me.must_change_password = false), (session.csrf = secret()), undefined)],
  ['DELETE', /^\/session$/, ({ sid }) => void sessions.delete(sid)],
  ['GET', /^\/session$/, ({ session }) => sessionBody(session)],
  ['GET', /^\/users$/, ({ me }) => (need(me, 'admin'), { items: users })],
  ['POST', /^\/users$/, ({ me, body }) => {
    need(me, 'admin');
    if (users.some((u) => u.username === body.username)) throw new Refusal(409, 'conflict', `username "${body.username}" is taken`);
    const made = user(`u${users.length + 1}`, body.username, body.display_name, body.roles, true);
    users.push(made);
    return { user: made, initial_password: secret() };
  }],
  ['PATCH', /^\/users\/(.+)$/, ({ me, body, args }) => {
    need(me, 'admin');
    const target = found(users.find((u) => u.id === args[0]));
    const { reset_password, ...rest } = body;
    Object.assign(target, rest);
    return { user: target, ...(reset_password ? { initial_password: secret() } : {}) };
  }],
  ['GET', /^\/tokens$/, ({ me }) => (need(me, 'admin'), { items: tokens })],
  ['POST', /^\/tokens$/, ({ me, body }) => {
    need(me, 'admin');
    const made = { id: `t${tokens.length + 1}`, name: body.name, roles: body.roles, created_by: me.username, created_at: new Date().toISOString(), expires_at: new Date(Date.now() + body.expires_in_days * 86400000).toISOString(), revoked_at: null };
    tokens.push(made);
    return { ...made, token: `pdt_${secret()}` };
  }],
  ['DELETE', /^\/tokens\/(.+)$/, ({ me, args }) => (need(me, 'admin'), void tokens.splice(tokens.findIndex((t) => t.id === args[0]), 1))],
  ['GET', /^\/overview$/, ({ q }) => world.overview(Number(q.get('hours') ?? 24))],
  ['GET', /^\/alerts$/, ({ q }) => {
    const text = (q.get('q') ?? '').toLowerCase();
    const list = world.alerts.filter((a) =>
      (!q.get('detector') || a.detector === q.get('detector')) && (!q.get('state') || a.state === q.get('state')) && (!q.get('entity_kind') || a.entity.kind === q.get('entity_kind')) &&
      (!q.get('severity_min') || a.severity >= Number(q.get('severity_min'))) && (!q.get('from') || a.last >= q.get('from')) && (!q.get('to') || a.first <= q.get('to')) &&
      (!text || [a.entity.value, a.entity.token, a.title.zh, a.title.en.toLowerCase()].some((x) => x.includes(text))));
    return { ...page(list.map(world.summary), q), total_open: world.alerts.filter((a) => a.state === 'open').length };
  }],
  ['GET', /^\/alerts\/([^/]+)$/, ({ args }) => {
    const a = found(world.alerts.find((x) => x.id === args[0]));
    return { ...a, related: world.alerts.filter((x) => x !== a && x.topic === a.topic).slice(0, 4).map(world.summary) };
  }],
  ['POST', /^\/alerts\/([^/]+)\/(dismiss|reopen)$/, ({ me, args, body }) => {
    need(me, 'analyst');
    const a = found(world.alerts.find((x) => x.id === args[0]));
    a.state = args[1] === 'dismiss' ? 'dismissed' : 'open';
    world.log(me.username, `alert.${args[1]}`, a.id, { reason: body.reason });
    return world.summary(a);
  }],
  ['GET', /^\/incidents$/, ({ q }) => page(world.incidents.filter((i) => (!q.get('state') || i.state === q.get('state')) && (!q.get('grade') || i.grade === q.get('grade'))).map(({ members, ...i }) => ({ ...i, alerts: members.length, entities: members.length })), q)],
  ['GET', /^\/incidents\/(.+)$/, ({ args }) => {
    const { members, ...i } = found(world.incidents.find((x) => x.id === args[0]));
    return { ...i, alerts: members.map(world.summary), entities: members.map((a) => a.entity) };
  }],
  ['GET', /^\/cases$/, ({ q }) => page(world.cases.map(world.caseSummary).filter((c) => (!q.get('state') || c.state === q.get('state')) && (!q.get('assignee') || c.assignee === q.get('assignee')) && (q.get('overdue') !== 'true' || c.overdue)), q)],
  ['POST', /^\/cases$/, ({ me, body }) => {
    need(me, 'analyst');
    const incident = body.incident_id ? found(world.incidents.find((i) => i.id === body.incident_id)) : undefined;
    const c = world.makeCase(incident ? incident.members : world.alerts.filter((a) => body.alert_ids.includes(a.id)), me.username, body.title, incident);
    world.log(me.username, 'case.open', c.number);
    broadcast('case', world.caseSummary(c));
    return world.caseView(c, me);
  }, 201],
  ['GET', /^\/cases\/([^/]+)$/, ({ me, args }) => world.caseView(found(world.cases.find((c) => c.id === args[0])), me)],
  ['PATCH', /^\/cases\/([^/]+)$/, ({ me, args, body }) => {
    const c = found(world.cases.find((x) => x.id === args[0]));
    if (body.version !== c.version) throw new Refusal(409, 'conflict', `version is ${c.version}`);
    Object.assign(c, { assignee: body.assignee ?? c.assignee, title: body.title ?? c.title, version: c.version + 1 });
    return world.caseView(c, me);
  }],
  ['POST', /^\/cases\/([^/]+)\/actions\/(.+)$/, ({ me, args, body }) => {
    const c = found(world.cases.find((x) => x.id === args[0]));
    if (body.version !== c.version) throw new Refusal(409, 'conflict', `version is ${c.version}, not ${body.version}`);
    const action = found(world.caseView(c, me).actions.find((a) => a.id === args[1]));
    if (!action.allowed) throw new Refusal(403, 'not_allowed', action.why_not.en, action.why_not);
    world.act(c, args[1], me.username, body.fields, body.note);
    world.log(me.username, `case.${args[1]}`, c.number, body.fields);
    broadcast('case', world.caseSummary(c));
    return world.caseView(c, me);
  }],
  ['POST', /^\/cases\/([^/]+)\/(notes|evidence)$/, ({ me, args, body }) => {
    const c = found(world.cases.find((x) => x.id === args[0]));
    const at = new Date().toISOString();
    if (args[1] === 'notes') c.notes.push({ id: `N-${Date.now()}`, by: me.username, at, text: body.text });
    else c.evidence.push({ id: `E-${Date.now()}`, ...body, sha256: 'a1'.repeat(32), added_by: me.username, at });
    c.version += 1;
    return world.caseView(c, me);
  }, 201],
  ['GET', /^\/grounds$/, () => ({ items: world.grounds })],
  ['GET', /^\/measure-kinds$/, () => ({ items: world.kinds })],
  ['GET', /^\/vault\/grants$/, ({ q }) => ({ items: grants.filter((g) => !q.get('case_id') || g.case_id === q.get('case_id')) })],
  ['POST', /^\/vault\/grants$/, ({ me, body }) => {
    const g = { id: `G-${grants.length + 1}`, ...body, state: 'asked', asked_by: me.username, asked_at: new Date().toISOString(), decided_by: null, decided_at: null, decision_reason: '', expires_at: null, notice_due_at: null, views: 0 };
    grants.unshift(g);
    return g;
  }, 201],
  ['POST', /^\/vault\/grants\/([^/]+)\/(approve|refuse)$/, ({ me, args, body }) => {
    const g = found(grants.find((x) => x.id === args[0]));
    if (g.asked_by === me.username) throw new Refusal(403, 'not_allowed', 'another person must decide');
    Object.assign(g, { state: args[1] === 'approve' ? 'approved' : 'refused', decided_by: me.username, decided_at: new Date().toISOString(), decision_reason: body.reason, expires_at: args[1] === 'approve' ? new Date(Date.now() + g.minutes * 60000).toISOString() : null });
    return g;
  }],
  ['GET', /^\/vault\/grants\/([^/]+)\/values$/, ({ me, args }) => {
    const g = found(grants.find((x) => x.id === args[0]));
    g.views += 1;
    return { watermark: `${me.username} ${new Date().toISOString().slice(0, 19)}Z ${g.id}`, values: g.scope.tokens.map((token) => ({ token, kind: 'number', value: '+8613800138000' })) };
  }],
  ['GET', /^\/audit$/, ({ me, q }) => (need(me, 'auditor', 'admin'), page(world.audit.filter((e) => ['actor', 'action', 'object'].every((k) => !q.get(k) || e[k] === q.get(k))), q))],
  ['GET', /^\/audit\/verify$/, ({ me }) => (need(me, 'auditor', 'admin'), { ok: true, entries: world.audit.length, first: 1, last: world.audit.length, anchors: 3 })],
  ['GET', /^\/detectors$/, () => ({ items: world.detectors.map(({ feature, key, unit, threshold, ...d }) => d) })],
  ['GET', /^\/sources$/, () => ({ items: [], running: world.sources })],
  ['GET', /^\/rules$/, () => ({ items: world.rules })],
  ['GET', /^\/topics$/, () => ({ items: world.topics })],
  ['GET', /^\/workflows$/, () => ({ items: [{ name: 'standard', version: 1, initial: 'found', states: world.states, actions: world.actions.map(({ fields, ...a }) => a) }] })],
  ['GET', /^\/system$/, () => world.system()],
  ['GET', /^\/intel\/lists$/, () => ({ items: world.lists })],
  ['POST', /^\/intel\/lists$/, ({ me, body }) => {
    need(me, 'analyst');
    const lines = body.content.split('\n').filter(Boolean);
    const bad = lines.filter((l) => !/^[\w.:/-]+$/.test(l));
    const list = { name: body.name, topic: body.topic, format: body.format, entries: lines.length - bad.length, severity: body.severity, confidence: body.confidence, added_by: me.username, added_at: new Date().toISOString(), expires_at: null, by_type: { domain: lines.length - bad.length } };
    world.lists.unshift(list);
    return { list, accepted: list.entries, rejected: bad.length, rejects: bad.map((l) => ({ line: lines.indexOf(l) + 1, reason: 'not an address, name, URL or hash', excerpt: l })) };
  }, 201],
  ['DELETE', /^\/intel\/lists\/(.+)$/, ({ me, args }) => (need(me, 'analyst'), void world.lists.splice(world.lists.findIndex((l) => l.name === args[0]), 1))],
];

async function readBody(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}
function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
function openStream(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const last = Number(request.headers['last-event-id'] ?? Infinity);
  for (const event of replay) if (event.id > last) response.write(event.text);
  streams.add(response);
  response.on('close', () => streams.delete(response));
}
async function handleApi(request, response, url) {
  const path = url.pathname.slice('/api/v1'.length);
  if (request.method === 'POST' && path === '/session') {
    const { username, password: given } = await readBody(request);
    const who = users.find((u) => u.username === username && !u.disabled);
    if (!who || given !== 'pandun') throw new Refusal(401, 'unauthenticated', 'wrong username or password');
    const sid = secret();
    sessions.set(sid, { user: who, csrf: secret() });
    return json(response, 200, sessionBody(sessions.get(sid)), { 'Set-Cookie': `pandun_session=${sid}; Path=/; HttpOnly; SameSite=Strict` });
  }
  const sid = /pandun_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  const session = sessions.get(sid);
  if (!session) throw new Refusal(401, 'unauthenticated', 'sign in first');
  if (path === '/stream') return openStream(request, response);
  if (request.method !== 'GET' && request.headers['x-csrf-token'] !== session.csrf) throw new Refusal(403, 'not_allowed', 'the CSRF token is missing or wrong');
  for (const [method, pattern, run, status] of routes) {
    const match = method === request.method && pattern.exec(path);
    if (!match) continue;
    const body = method === 'GET' || method === 'DELETE' ? {} : await readBody(request);
    const answer = run({ me: session.user, session, sid, body, q: url.searchParams, args: match.slice(1).map(decodeURIComponent) });
    const code = answer === undefined ? 204 : (status ?? 200);
    const schema = schemaOfAnswer(url.pathname, method, code);
    for (const fault of schema ? faultsOf(schema, answer) : code === 204 ? [] : ['not described']) onFault(`${method} ${url.pathname} ${code}: ${fault}`);
    return json(response, code, answer);
  }
  throw new Refusal(404, 'not_found', `no such path: ${path}`);
}
function serveFile(response, pathname) {
  let file = normalize(join(DIST, pathname));
  if (!file.startsWith(DIST) || !existsSync(file) || statSync(file).isDirectory()) file = join(DIST, 'index.html');
  response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff' });
  createReadStream(file).pipe(response);
}

export function start(port = 0) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    try {
      if (url.pathname.startsWith('/api/v1/')) await handleApi(request, response, url);
      else serveFile(response, url.pathname);
    } catch (cause) {
      const status = cause.status ?? 500;
      json(response, status, { type: `urn:pandun:problem:${cause.code}`, title: `HTTP ${status}`, status, detail: cause.message, code: cause.code ?? 'io', advice: cause.advice ?? { zh: '', en: '' }, ...(cause.errors ? { errors: cause.errors } : {}) });
    }
  });
  const ticking = setInterval(() => broadcast('stats', world.stats()), 1000);
  const alerting = setInterval(() => broadcast('alert', world.summary(world.makeAlert(Date.now()))), 4000);
  server.on('close', () => (clearInterval(ticking), clearInterval(alerting)));
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}`, close: () => (streams.forEach((s) => s.end()), server.closeAllConnections(), server.close()) })));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await start(Number(process.env.PORT ?? 8481));
  console.log(`mock API and console: ${url}`);
}
