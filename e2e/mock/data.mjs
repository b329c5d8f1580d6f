// A small, repeatable world for looking at the console without the server. Shapes: src/api/openapi.json.
let seed = 20260722;
const rand = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 4294967296);
const int = (a, b) => a + Math.floor(rand() * (b - a + 1));
const pick = (list) => list[int(0, list.length - 1)];
const hex = (n) => Array.from({ length: n }, () => '0123456789abcdef'[int(0, 15)]).join('');
const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
const T = (zh, en) => ({ zh, en });
export const band = (s) => (s >= 80 ? 'critical' : s >= 60 ? 'high' : s >= 40 ? 'medium' : 'low');
const START = Date.now();
const MIN = 60000;
const HOUR = 3600000;

export const topics = [
  { id: 'burst_call', title: T('高频外呼', 'Burst calling'), category: 'fraud', about: T('短时间内拨打大量不同号码。', 'Many different numbers called within a short time.') },
  { id: 'message_burst', title: T('短信群发', 'Message burst'), category: 'fraud', about: T('普通号码短时间群发。', 'An ordinary number messaging very many people.') },
  { id: 'scan', title: T('网络扫描', 'Network scan'), category: 'network_attack', about: T('逐个试探大量地址或端口。', 'One host trying many addresses or ports.') },
  { id: 'c2_beacon', title: T('木马回连', 'Command-and-control beacon'), category: 'botnet_control', about: T('按固定节奏联系同一外部服务器。', 'Contacting one outside server at a steady beat.') },
  { id: 'indicator', title: T('命中威胁情报', 'Threat indicator seen'), category: 'network_attack', about: T('流量中出现情报库所列对象。', 'A listed address or name was seen in traffic.') },
];

const option = (name, unit, value, min, max, zh, en, dflt = value) => ({ name, unit, value, default: dflt, min, max, doc: T(zh, en) });
export const detectors = [
  {
    name: 'burst_calling', title: T('短时高频呼叫', 'Burst calling'), topic: 'burst_call', entity: 'number', reads: ['call'], techniques: [], maturity: 'stable',
    finds: T('一个号码在五分钟内拨打大量互不相识的号码，接通少、通话短、几乎无人回拨。', 'A number that calls very many different numbers within five minutes, with few answered, short talks and almost nobody calling back.'),
    false_positives: T('快递、外卖、呼叫中心和学校通知也会集中外呼：它们的接通率高，会有人回拨，且多在登记名单内。', 'Couriers, meal delivery, call centres and school notices also call in bursts: their answer rate is high, people call back, and most are registered.'),
    options: [option('window_s', 's', 300, 60, 3600, '统计窗口', 'Window'), option('callees_min', 'count', 60, 10, 10000, '不同被叫号码数', 'Different callees'), option('answer_ratio_max', 'ratio', 0.35, 0, 1, '接通率上限', 'Answer ratio at most', 0.3)],
    feature: T('5 分钟内不同被叫数', 'Different callees in 5 minutes'), key: 'callees_5m', unit: 'count', threshold: 60,
  },
  {
    name: 'message_burst', title: T('短信群发', 'Message burst'), topic: 'message_burst', entity: 'number', reads: ['message'], techniques: ['T1660'], maturity: 'stable',
    finds: T('普通手机号在短时间内向大量互不相识的号码发送短信。', 'An ordinary mobile number sending messages to very many strangers within a short time.'),
    false_positives: T('群发节日祝福和会议通知：收件人彼此熟识，且多有往来。', 'Holiday greetings and meeting notices: the recipients know each other and often reply.'),
    options: [option('recipients_min', 'count', 80, 10, 10000, '不同收件人数', 'Different recipients')],
    feature: T('10 分钟内不同收件人数', 'Different recipients in 10 minutes'), key: 'recipients_10m', unit: 'count', threshold: 80,
  },
  {
    name: 'port_scan', title: T('端口扫描', 'Port scan'), topic: 'scan', entity: 'ip', reads: ['flow'], techniques: ['T1046', 'T1595.001'], maturity: 'stable',
    finds: T('一台主机短时间内试探大量地址或端口，多数无应答。', 'A host trying many addresses or ports within a short time, most without an answer.'),
    false_positives: T('漏洞扫描器、监控探针和备份服务器：请登记其地址。', 'Vulnerability scanners, monitoring probes and backup servers: register their addresses.'),
    options: [option('ports_min', 'count', 100, 10, 65535, '不同端口数', 'Different ports')],
    feature: T('10 分钟内未应答目标数', 'Unanswered targets in 10 minutes'), key: 'unanswered_10m', unit: 'count', threshold: 100,
  },
  {
    name: 'beacon', title: T('规律回连', 'Beacon'), topic: 'c2_beacon', entity: 'host_pair', reads: ['flow', 'http', 'tls'], techniques: ['T1071.001', 'T1573'], maturity: 'experimental',
    finds: T('一台主机以近乎固定的间隔联系同一外部服务器，传输量也几乎不变。', 'A host contacting one outside server at an almost fixed interval with almost the same amount of data.'),
    false_positives: T('对时、软件更新、邮件轮询和内容分发网络也很规律：内置名单已排除常见的。', 'Time sync, software updates, mail polling and CDNs are regular too: the built-in list leaves out the common ones.'),
    options: [option('score_min', 'ratio', 0.82, 0.5, 1, '规律性得分', 'Regularity score'), option('contacts_min', 'count', 24, 6, 1000, '最少联系次数', 'Contacts at least')],
    feature: T('规律性得分', 'Regularity score'), key: 'regularity', unit: 'ratio', threshold: 0.82,
  },
  {
    name: 'indicator_sighting', title: T('命中情报', 'Indicator seen'), topic: 'indicator', entity: 'ip', reads: ['flow', 'dns', 'http', 'tls', 'file'], techniques: ['T1071'], maturity: 'stable',
    finds: T('流量中出现情报名单所列的地址、域名、网址或文件。', 'An address, name, URL or file on an indicator list was seen in traffic.'),
    false_positives: T('共享主机和过期条目：请看名单的来源和到期时间。', 'Shared hosting and stale entries: look at the source and expiry of the list.'),
    options: [], feature: T('命中次数', 'Sightings'), key: 'sightings', unit: 'count', threshold: 1,
  },
].map((d) => ({ enabled: true, state: { keys: int(1200, 982000), bytes: int(2_000_000, 160_000_000), evicted: int(0, 40000) }, ...d }));
const TECHNIQUES = { T1660: 'Phishing', T1046: 'Network Service Discovery', 'T1595.001': 'Active Scanning: Scanning IP Blocks', 'T1071.001': 'Application Layer Protocol: Web Protocols', T1573: 'Encrypted Channel', T1071: 'Application Layer Protocol' };

function entity(kind) {
  if (kind === 'number') {
    const [note, head] = pick([['中国移动 · 浙江杭州 · 手机', '+86138'], ['中国联通 · 江苏南京 · 手机', '+86186'], ['中国电信 · 广东广州 · 手机', '+86189'], ['虚拟运营商 · 手机', '+86170']]);
    return { kind, value: `${head}****${int(1000, 9999)}`, token: `n:${hex(16)}`, note };
  }
  if (kind === 'ip') return { kind, value: `${pick(['10.14', '192.0.2', '203.0.113'])}.${int(1, 254)}`.split('.').length === 4 ? `${pick(['192.0.2', '203.0.113', '198.51.100'])}.${int(1, 254)}` : `10.14.${int(1, 254)}.${int(1, 254)}`, token: '', note: pick(['内网', '浙江电信 · AS4134', 'AS64500']) };
  if (kind === 'host_pair') return { kind, value: `10.14.${int(1, 40)}.${int(2, 250)}>198.51.100.${int(1, 254)}:443/tcp`, token: '', note: '内网 → 境外' };
  return { kind, value: 'bad.example', token: '', note: '' };
}

let alertSeq = 4200;
export const alerts = [];
export function makeAlert(at, detector = pick(detectors)) {
  const severity = pick([92, 88, 86, 78, 74, 70, 66, 58, 52, 45, 41, 30, 22]);
  const value = detector.unit === 'ratio' ? 0.84 + rand() * 0.15 : Math.round(detector.threshold * (1.05 + rand() * 7));
  const first = at - int(3, 40) * MIN;
  const peers = Array.from({ length: int(3, 30) }, () => entity(detector.entity === 'number' ? 'number' : 'ip'));
  const points = Array.from({ length: 36 }, (_, i) => {
    const rise = 1 / (1 + Math.exp(-(i - 20) / 2.5));
    return { t: iso(first - 30 * MIN + i * 2 * MIN), v: detector.unit === 'ratio' ? Number((0.3 + rise * (value - 0.3)).toFixed(3)) : Math.round(value * rise * (0.85 + rand() * 0.15)) };
  });
  const evidence = [{ feature: detector.key, title: detector.feature, value, threshold: detector.threshold, unit: detector.unit }];
  if (detector.entity === 'number')
    evidence.push(
      { feature: 'answer_ratio', title: T('接通率', 'Answer ratio'), value: 0.08 + rand() * 0.15, threshold: 0.35, unit: 'ratio' },
      { feature: 'talk_mean_s', title: T('平均通话时长', 'Mean talk time'), value: int(4, 11), threshold: 15, unit: 's' },
      { feature: 'callbacks', title: T('回拨人数', 'People who called back'), value: 1, threshold: 5, unit: 'count' },
    );
  else evidence.push({ feature: 'bytes', title: T('传输量', 'Bytes moved'), value: int(90000, 4000000), threshold: 50000, unit: 'bytes' });
  const who = entity(detector.entity);
  const alert = {
    id: `A-${hex(16)}`, seq: ++alertSeq, detector: detector.name, topic: detector.topic, title: detector.title, severity, severity_band: band(severity), confidence: Number((0.45 + rand() * 0.53).toFixed(2)),
    state: 'open', entity: who, first: iso(first), last: iso(at), signals: int(1, 60), incident_id: null, case_id: null, peers, evidence,
    series: { feature: detector.key, title: detector.feature, points }, techniques: detector.techniques.map((id) => ({ id, name: TECHNIQUES[id] })),
    source_lines: [`calls-2026-07-22.csv:${int(1000, 900000)}`, `calls-2026-07-22.csv:${int(1000, 900000)}`],
    why: T(
      `${who.value} 在 ${int(3, 10)} 分钟内的“${detector.feature.zh}”达到 ${detector.unit === 'ratio' ? value.toFixed(2) : value}，是阈值的 ${(value / detector.threshold).toFixed(1)} 倍；多数目标互不相识，接通少，几乎无人回应。这与${detector.title.zh}的典型表现一致，与快递、客服等正常外呼不同。`,
      `Within ${int(3, 10)} minutes, "${detector.feature.en}" of ${who.value} reached ${detector.unit === 'ratio' ? value.toFixed(2) : value}, ${(value / detector.threshold).toFixed(1)} times the threshold. Most targets do not know each other, few answered and almost nobody responded. This is how ${detector.title.en.toLowerCase()} looks, and unlike couriers or call centres.`,
    ),
    detector_info: { finds: detector.finds, false_positives: detector.false_positives }, related: [], protected_group: rand() < 0.06 ? 'public_service' : null,
  };
  alerts.unshift(alert);
  return alert;
}
for (let i = 140; i > 0; i--) makeAlert(START - i * 9 * MIN);
alerts[7].state = alerts[19].state = 'dismissed';
alerts[0].protected_group = null;

export const summary = ({ peers, evidence, series, techniques, source_lines, why, detector_info, related, protected_group, ...rest }) => rest;

export const incidents = Array.from({ length: 6 }, (_, i) => {
  const members = alerts.filter((a) => a.topic === topics[i % 5].id).slice(i, i + 5);
  const id = `I-${hex(12)}`;
  members.forEach((a) => (a.incident_id = id));
  return {
    id, seq: 60 - i, topic: topics[i % 5].id, title: T(`${topics[i % 5].title.zh}团伙`, `${topics[i % 5].title.en} group`), severity: pick([92, 74, 58]), grade: pick(['II', 'III', 'IV', 'IV']), state: i === 4 ? 'closed' : 'open', owner: i % 2 ? '浙江移动' : null,
    first: iso(START - (30 + i) * HOUR), last: iso(START - i * HOUR),
    summary: T(`${members.length} 个对象在同一时段表现一致，对端高度重合，疑似同一团伙操作。`, `${members.length} entities behaved alike in the same hours and share most of their peers: probably one group.`),
    case_id: null, members,
  };
});

const S = (id, zh, en, kind) => ({ id, title: T(zh, en), kind });
export const states = [
  S('found', '已发现', 'Found', 'open'),
  S('confirmed', '已认定', 'Confirmed', 'open'),
  S('measure_proposed', '措施待批', 'Measure proposed', 'wait'),
  S('approved', '已批准', 'Approved', 'open'),
  S('ordered', '已下达', 'Ordered', 'wait'),
  S('acknowledged', '已回执', 'Acknowledged', 'wait'),
  S('verified', '已核验', 'Verified', 'open'),
  S('appealed', '申诉中', 'Appealed', 'open'),
  S('lifted', '已解除', 'Lifted', 'open'),
  S('closed', '已办结', 'Closed', 'done'),
  S('dismissed', '已排除', 'Dismissed', 'done'),
];
const F = (name, zh, en, type, required, choices) => ({ name, title: T(zh, en), type, required, ...(choices ? { choices } : {}) });
export const kinds = [
  { id: 'warn', title: T('提醒', 'Warn'), rank: 1 },
  { id: 'reverify', title: T('二次实名核验', 'Re-verify identity'), rank: 2 },
  { id: 'limit', title: T('限制功能', 'Limit functions'), rank: 3 },
  { id: 'suspend', title: T('暂停服务', 'Suspend'), rank: 4 },
];
export const grounds = [
  { id: 'aftfl-11', law: T('反电信网络诈骗法', 'Anti-Telecom and Online Fraud Law'), article: T('第十一条', 'art. 11').zh, text: T('电信业务经营者对监测识别的涉诈异常电话卡用户应当重新进行实名核验。', 'Carriers shall re-verify the identity of users of abnormal phone cards found to be related to fraud.'), measures: ['warn', 'reverify'], vault: true, unverified: false },
  { id: 'aftfl-32', law: T('反电信网络诈骗法', 'Anti-Telecom and Online Fraud Law'), article: '第三十二条', text: T('对涉诈异常情形采取限制、暂停服务等处置措施的，应当告知原因、救济渠道及所需资料。', 'Who limits or suspends service shall tell the reason, the way to appeal and the papers needed.'), measures: ['limit', 'suspend'], vault: true, unverified: false },
  { id: 'csl-30', law: T('网络安全法', 'Cybersecurity Law'), article: '第三十条', text: T('获取的信息只能用于维护网络安全的需要。', 'Information obtained may only be used for network security.'), measures: ['warn', 'limit'], vault: false, unverified: true },
];
const A = (id, zh, en, from, to, roles, fields = [], second = false) => ({ id, title: T(zh, en), from, to, needs_role: roles, needs_second_person: second, fields });
const REASON = F('reason', '理由', 'Reason', 'text', true);
export const actions = [
  A('confirm', '认定', 'Confirm', ['found'], 'confirmed', 'analyst', [F('finding', '认定意见', 'Finding', 'text', true)]),
  A('dismiss', '排除', 'Dismiss', ['found', 'confirmed'], 'dismissed', 'analyst', [REASON]),
  A('propose_measure', '提出措施', 'Propose a measure', ['confirmed'], 'measure_proposed', 'analyst', [
    F('kind', '措施', 'Measure', 'choice', true, kinds.map((k) => ({ value: k.id, title: k.title }))),
    F('category', '处置类别', 'Category', 'choice', true, [{ value: 'fraud', title: T('诈骗', 'Fraud') }, { value: 'network_attack', title: T('网络攻击', 'Network attack') }]),
    F('ground', '法律依据', 'Legal ground', 'choice', true, grounds.map((g) => ({ value: g.id, title: T(`${g.law.zh} ${g.article}`, `${g.law.en}, ${g.article}`) }))),
    F('scope', '范围', 'Scope', 'text', true), F('reason', '理由与必要性', 'Reason and proportionality', 'text', true), F('expires_at', '到期时间', 'Expires at', 'datetime', true),
    F('notice', '告知内容', 'Notice to the affected party', 'text', false), F('appeal_channel', '申诉渠道', 'Appeal channel', 'text', false), F('skip_reason', '未采用更轻措施的理由', 'Why no smaller measure will do', 'text', false)]),
  A('approve', '批准', 'Approve', ['measure_proposed'], 'approved', 'approver', [F('opinion', '审批意见', 'Opinion', 'text', false)], true),
  A('refuse', '不予批准', 'Refuse', ['measure_proposed'], 'confirmed', 'approver', [REASON], true),
  A('order', '下达', 'Order', ['approved'], 'ordered', 'analyst,approver'),
  A('acknowledge', '登记回执', 'Record the acknowledgement', ['ordered'], 'acknowledged', 'analyst,approver', [F('receipt', '回执内容', 'Receipt', 'text', true)]),
  A('verify', '核验', 'Verify', ['acknowledged'], 'verified', 'analyst', [F('how', '核验方式与结果', 'How it was verified, and the result', 'text', true)]),
  A('close', '办结', 'Close', ['verified', 'lifted'], 'closed', 'analyst', [F('summary', '办结小结', 'Closing summary', 'text', true)]),
  A('appeal', '登记申诉', 'Record an appeal', ['approved', 'ordered', 'acknowledged', 'verified'], 'appealed', 'analyst', [F('claim', '申诉内容', 'What the affected party says', 'text', true)]),
  A('lift', '解除措施', 'Lift the measure', ['approved', 'ordered', 'acknowledged', 'verified'], 'lifted', 'analyst,approver', [REASON]),
  A('reopen', '重新打开', 'Reopen', ['closed', 'dismissed', 'verified'], 'found', 'analyst', [REASON]),
];
const stateTitle = (id) => states.find((s) => s.id === id).title;

let caseSeq = 30;
export const cases = [];
export function makeCase(members, by, title, incident) {
  const seq = ++caseSeq;
  const now = Date.now();
  const top = Math.max(...members.map((a) => a.severity));
  const item = {
    id: `C-${hex(12)}`, seq, number: `PD-2026-${String(seq).padStart(6, '0')}`, title: title || `${members[0].title.zh} ${members[0].entity.value}`, state: 'found', severity: top, grade: incident?.grade ?? 'IV', assignee: by,
    opened_at: iso(now), version: 1, entity: members[0].entity, members, measures: [], notes: [], evidence: [],
    clocks: [{ id: 'triage', title: T('研判确认', 'Confirm or dismiss'), started_at: iso(now), due_at: iso(now + 2 * HOUR), state: 'running', source: '本单位值守规程 3.2', unverified: true }],
    history: [{ at: iso(now), by, action: 'open', title: T('立案', 'Case opened'), from: '', to: 'found', note: '' }],
  };
  members.forEach((a) => ((a.state = 'in_case'), (a.case_id = item.id)));
  if (incident) ((incident.state = 'in_case'), (incident.case_id = item.id));
  cases.unshift(item);
  return item;
}
export const caseSummary = (c) => {
  const running = c.clocks.filter((k) => k.state === 'running').map((k) => k.due_at).sort()[0] ?? null;
  const { id, seq, number, title, state, severity, grade, assignee, opened_at, version, entity } = c;
  return { id, seq, number, title, state, state_title: stateTitle(state), severity, grade, assignee, opened_at, due_at: running, overdue: !!running && Date.parse(running) < Date.now(), version, entity };
};
export function caseView(c, user) {
  const offered = actions.filter((a) => a.from.includes(c.state)).map(({ from, ...a }) => {
    const has = a.needs_role.split(',').some((r) => user.roles.includes(r));
    const own = a.needs_second_person && c.measures.some((m) => m.state === 'proposed' && m.proposed_by === user.username);
    const why = !has ? T('您没有这一步所需的角色。', 'You do not have the role this step needs.') : own ? T('这项措施是您提出的，须由另一人审批。', 'You proposed this measure, so another person must decide.') : undefined;
    return { ...a, allowed: has && !own, ...(why ? { why_not: why } : {}) };
  });
  return { ...caseSummary(c), workflow: { name: 'standard', version: 1, states }, actions: offered, incident_id: null, topic: c.members[0].topic, protected_group: null, verify_until: null, alerts: c.members.map(summary), measures: c.measures, clocks: c.clocks, notes: c.notes, evidence: c.evidence, history: c.history };
}
export function act(c, actionId, by, fields, note) {
  const action = actions.find((a) => a.id === actionId);
  const now = Date.now();
  const from = c.state;
  c.state = action.to;
  c.version += 1;
  if (actionId === 'confirm') ((c.clocks[0].state = 'met'), c.clocks.push({ id: 'dispose', title: T('提出处置措施', 'Propose a measure'), started_at: iso(now), due_at: iso(now + 24 * HOUR), state: 'running', source: '反电信网络诈骗法 第三十二条', unverified: false }));
  if (actionId === 'propose_measure') {
    const g = grounds.find((x) => x.id === fields.ground);
    c.measures.push({ id: `M-2026-${String(c.seq).padStart(6, '0')}`, kind: fields.kind, title: kinds.find((k) => k.id === fields.kind).title, ground: { id: g.id, law: g.law, article: g.article, text: g.text }, category: fields.category, scope: fields.scope, reason: fields.reason, entity: c.entity, expires_at: fields.expires_at, state: 'proposed', proposed_by: by, proposed_at: iso(now), approvals: [], approvals_needed: 1, approved_by: null, approved_at: null, ended_at: null, notice: fields.notice ?? '', appeal_channel: '12321 · https://appeal.example/', refused_reason: '', lapsed_reason: '', orders: [] });
  }
  if (actionId === 'approve') Object.assign(c.measures.at(-1), { state: 'approved', approvals: [by], approved_by: by, approved_at: iso(now) });
  if (actionId === 'refuse') Object.assign(c.measures.at(-1), { state: 'refused', refused_reason: fields.reason });
  if (actionId === 'order') Object.assign(c.measures.at(-1), { state: 'ordered', orders: [{ id: 'O-1', verb: 'apply', state: 'sent', action: 'outbox', attempts: 1, last_error: '', created_at: iso(now), updated_at: iso(now) }] });
  if (['closed', 'dismissed'].includes(action.to)) c.clocks.forEach((k) => k.state === 'running' && (k.state = 'met'));
  c.history.push({ at: iso(now), by, action: actionId, title: action.title, from, to: action.to, note: note ?? '' });
}

const seedCases = [['found'], ['found', 'confirm'], ['found', 'confirm', 'propose_measure'], ['found', 'confirm', 'propose_measure', 'approve'], ['found', 'confirm', 'propose_measure', 'approve', 'order', 'acknowledge']];
seedCases.forEach((path, i) => {
  const c = makeCase([alerts[12 + i * 3], alerts[13 + i * 3]], 'li.na');
  for (const step of path.slice(1)) act(c, step, step === 'approve' ? 'wang.jian' : 'li.na', { kind: 'limit', category: 'fraud', reason: '接通率低、无人回拨，与登记业务不符；提醒不足以止损。', ground: 'aftfl-32', scope: '限制主叫，保留被叫和紧急呼叫', expires_at: iso(START + 72 * HOUR), notice: '您的号码因短时间高频外呼被限制主叫，可携身份证到营业厅或拨打 12321 申诉。', finding: 'x', receipt: 'r' }, step === 'confirm' ? '已与运营商核对，非登记呼叫中心。' : '');
  if (i === 1) c.clocks.at(-1).due_at = iso(START - 95 * MIN);
  if (i === 0) c.clocks[0].due_at = iso(START + 38 * MIN);
  c.notes.push({ id: `N-${i}`, by: 'li.na', at: iso(START - 20 * MIN), text: '已请省公司提供近三日话单统计（仅汇总数字）。' });
  c.evidence.push({ id: `E-${i}`, kind: 'digest', title: '话单汇总摘要', sha256: hex(64), added_by: 'li.na', at: iso(START - 18 * MIN), value: 'calls=1284 callees=1190 answered=92' });
});

export const audit = [];
export function log(actor, action, object, detail = {}) {
  audit.unshift({ seq: audit.length + 1, at: iso(Date.now()), actor, action, object, detail, hash: hex(64), prev_hash: audit[0]?.hash ?? '0'.repeat(64) });
}
for (let i = 0; i < 30; i++) log(pick(['li.na', 'wang.jian', 'admin']), pick(['session.open', 'case.open', 'case.confirm', 'case.propose_measure', 'case.approve', 'alert.dismiss', 'vault.ask']), `case:${pick(cases).id}`, { from: 'found', to: 'confirmed' });

export const rules = [
  { id: 'new_number_burst', title: T('新入网号码高频外呼', 'New number calling in bursts'), topic: 'burst_call', severity: 78, enabled: true, when: 'callees_1h >= 120 and answer_ratio_1h < 0.3 and age_days < 7', message: T('入网不足七天即高频外呼。', 'Active for less than a week and already calling in bursts.'), ground: 'aftfl-11', place: 'content/rules/calls.toml:14' },
  { id: 'night_scan', title: T('夜间横向扫描', 'Scanning sideways at night'), topic: 'scan', severity: 62, enabled: true, when: 'targets_10m >= 200 and unanswered_ratio_10m > 0.9 and hour < 6', message: T('夜间内网主机横向扫描。', 'An inside host scanning sideways at night.'), ground: 'csl-30', place: 'content/rules/network.toml:3' },
];
export const lists = [
  { name: 'c2-2026w30', topic: 'indicator', format: 'plain', entries: 1284, severity: 80, confidence: 0.85, added_by: 'li.na', added_at: iso(START - 50 * HOUR), expires_at: iso(START + 500 * HOUR), by_type: { ip: 1031, domain: 240, url: 13 } },
  { name: 'phish-hosts', topic: 'indicator', format: 'csv', entries: 90321, severity: 65, confidence: 0.7, added_by: 'admin', added_at: iso(START - 9 * HOUR), expires_at: null, by_type: { domain: 90321 } },
];
export const sources = [
  { name: 'simulator', kind: 'province', state: 'running', records: 18234112, rejected: 0, last_event_at: iso(START), message: '' },
  { name: 'zeek-edge-1', kind: 'zeek', state: 'running', records: 5120334, rejected: 12, last_event_at: iso(START - 2000), message: '' },
  { name: 'calls-drop', kind: 'calls_csv', state: 'failed', records: 88120, rejected: 431, last_event_at: iso(START - 3 * HOUR), message: '/data/in/calls-0722.csv:88552: header changed: column "callee" is missing' },
];

let events = 23442566;
export const live = { rate: 8200, hourly: Array.from({ length: 96 }, (_, i) => Math.round((3000 + 5200 * Math.max(0, Math.sin(((i - 24) / 96) * Math.PI * 1.6)) + rand() * 700))) };
export function stats() {
  live.rate = Math.max(300, live.rate + (rand() - 0.5) * 900);
  events += Math.round(live.rate);
  sources[0].records += Math.round(live.rate);
  return { at: iso(Date.now()).replace('Z', '.000Z'), events_per_s: Math.round(live.rate), events_total: events, alerts_open: alerts.filter((a) => a.state === 'open').length, watermark: iso(Date.now() - 2400), lag_events: int(0, 900), by_kind: { call: Math.round(events * 0.52), message: Math.round(events * 0.16), flow: Math.round(events * 0.2), dns: Math.round(events * 0.08), http: Math.round(events * 0.02), tls: Math.round(events * 0.02) } };
}
export function overview(hours = 24) {
  const s = stats();
  const open = alerts.filter((a) => a.state === 'open');
  const sums = cases.map(caseSummary);
  const by = (list, key) => list.reduce((m, x) => ((m[key(x)] = (m[key(x)] ?? 0) + 1), m), {});
  const perDetector = by(alerts, (a) => a.detector);
  return {
    now: s.at, events_per_s: s.events_per_s, events_total: s.events_total, by_kind: s.by_kind, late: 231, rejected: 443, alerts_open: open.length, alerts_24h: alerts.length, cases_open: sums.filter((c) => c.state !== 'closed').length,
    cases_overdue: sums.filter((c) => c.overdue).length, incidents_open: incidents.filter((i) => i.state === 'open').length, measures_pending: cases.flatMap((c) => c.measures).filter((m) => m.state === 'proposed').length,
    series: hours === 1 ? { step_s: 60, start: iso(Date.now() - HOUR), events: Array.from({ length: 60 }, (_, i) => 8000 + Math.round(900 * Math.sin(i / 7) + rand() * 300)), alerts: Array.from({ length: 60 }, () => (rand() < 0.2 ? int(1, 3) : 0)) } : { step_s: 900, start: iso(Date.now() - 96 * 900000), events: live.hourly, alerts: live.hourly.map(() => int(0, 4)) },
    by_detector: Object.entries(perDetector).sort((a, b) => b[1] - a[1]).map(([detector, count]) => ({ detector, title: detectors.find((d) => d.name === detector).title, count })),
    by_severity: { critical: 0, high: 0, medium: 0, low: 0, ...by(open, (a) => a.severity_band) }, by_grade: by(sums, (c) => c.grade), sources,
    engine: { watermark: s.watermark, lag_events: s.lag_events, shards: 2, state_bytes: 412_000_000, checkpoint_at: iso(Date.now() - 21000), log_first: 1, log_last: s.events_total },
    recent_alerts: alerts.slice(0, 10).map(summary), overdue_cases: sums.filter((c) => c.overdue).slice(0, 5),
  };
}
export const system = () => ({
  version: '0.1.0', content_digest: `sha256:${'4f0c2b9a'.repeat(8)}`, uptime_s: Math.round((Date.now() - START) / 1000) + 93412, rss_bytes: 812_000_000,
  store: { adapter: 'sqlite', bytes: 48_200_000, schema_version: 3 }, eventlog: { adapter: 'local', segments: 14, bytes: 3_620_000_000, log_first: 1, log_last: events },
  engine: { shards: 2, state_bytes: 412_000_000, lag_events: 120, watermark: iso(Date.now() - 2400), checkpoint_at: iso(Date.now() - 21000) },
  http: { connections: 5, streams: 2, requests: 18231, rate_limited: 3, streams_dropped: 0, tls: false },
  queues: [{ name: 'source→ingest', size: 1200, capacity: 4096, policy: 'block', shed: 0 }, { name: 'ingest→eventlog', size: 3700, capacity: 4096, policy: 'block', shed: 0 }, { name: 'stream/clients', size: 3, capacity: 1024, policy: 'shed', shed: 12 }],
  faults: [{ at: iso(Date.now() - 3 * HOUR), where: 'sources/calls-drop', message: 'header changed: column "callee" is missing; the file was set aside' }],
});
