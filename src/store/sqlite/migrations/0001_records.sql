-- Everything that must not be lost. Times are milliseconds since the Unix epoch, UTC. Lists of short words are separated by commas.

CREATE TABLE users (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  username TEXT NOT NULL UNIQUE COLLATE NOCASE,
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  roles TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  must_change_password INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  id_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions(user_id);

CREATE TABLE api_tokens (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  roles TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

CREATE TABLE incidents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  topic TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  grade TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'in_case', 'closed', 'merged')),
  owner TEXT NOT NULL,
  summary_zh TEXT NOT NULL,
  summary_en TEXT NOT NULL,
  case_id TEXT NOT NULL,
  merged_into TEXT NOT NULL,
  severity INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  entities INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_state ON incidents(state, seq);

CREATE TABLE alerts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  detector TEXT NOT NULL,
  topic TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'in_case', 'dismissed')),
  entity_kind TEXT NOT NULL,
  entity_value TEXT NOT NULL,
  entity_token TEXT NOT NULL,
  entity_note TEXT NOT NULL,
  entity_key TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  protected_group TEXT NOT NULL,
  severity INTEGER NOT NULL,
  confidence REAL NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  signals INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  search TEXT NOT NULL,
  doc TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_entity ON alerts(entity_key, entity_kind, detector, seq);
CREATE INDEX alerts_state ON alerts(state, seq);
CREATE INDEX alerts_detector ON alerts(detector, seq);
CREATE INDEX alerts_incident ON alerts(incident_id);
CREATE INDEX alerts_case ON alerts(case_id);
CREATE INDEX alerts_created ON alerts(created_at, detector, severity);

CREATE TABLE alert_links (
  key TEXT NOT NULL,
  alert_id TEXT NOT NULL REFERENCES alerts(id) ON DELETE CASCADE,
  PRIMARY KEY (key, alert_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_links_alert ON alert_links(alert_id);

CREATE TABLE cases (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  number TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NOT NULL,
  grade TEXT NOT NULL,
  assignee TEXT NOT NULL,
  topic TEXT NOT NULL,
  protected_group TEXT NOT NULL,
  workflow TEXT NOT NULL,
  workflow_version INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  incident_id TEXT NOT NULL,
  opened_by TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_value TEXT NOT NULL,
  entity_token TEXT NOT NULL,
  entity_note TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  due_at INTEGER,
  closed_at INTEGER,
  verify_until INTEGER,
  sighting_position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  done INTEGER NOT NULL
) STRICT;
CREATE INDEX cases_state ON cases(state, seq);
CREATE INDEX cases_assignee ON cases(assignee, seq);
CREATE INDEX cases_due ON cases(done, due_at);
CREATE INDEX cases_verify ON cases(verify_until) WHERE verify_until IS NOT NULL;

CREATE TABLE case_entities (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('subject', 'peer')),
  PRIMARY KEY (key, kind, case_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_entities_case ON case_entities(case_id);

CREATE TABLE measures (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id),
  kind TEXT NOT NULL,
  category TEXT NOT NULL,
  ground_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  reason TEXT NOT NULL,
  skip_reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'ordered', 'in_force', 'refused', 'lapsed', 'appealed', 'lifted')),
  proposed_by TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  approvals TEXT NOT NULL,
  approvals_needed INTEGER NOT NULL CHECK (approvals_needed >= 1),
  refused_reason TEXT NOT NULL,
  lapsed_reason TEXT NOT NULL,
  notice TEXT NOT NULL,
  appeal_channel TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_value TEXT NOT NULL,
  entity_token TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  lapse_at INTEGER NOT NULL,
  approved_at INTEGER,
  ended_at INTEGER,
  CHECK (approved_by = '' OR approved_by <> proposed_by)
) STRICT;
CREATE INDEX measures_case ON measures(case_id);
CREATE INDEX measures_state ON measures(state, expires_at);

CREATE TABLE case_clocks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE,
  clock TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'met', 'missed')),
  unverified INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  stopped_at INTEGER
) STRICT;
CREATE INDEX case_clocks_case ON case_clocks(case_id);
CREATE INDEX case_clocks_due ON case_clocks(state, due_at);

CREATE TABLE case_notes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE,
  by TEXT NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX case_notes_case ON case_notes(case_id);

CREATE TABLE case_evidence (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  value TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  added_by TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX case_evidence_case ON case_evidence(case_id);

CREATE TABLE case_history (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE,
  by TEXT NOT NULL,
  action TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  note TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX case_history_case ON case_history(case_id);

CREATE TABLE orders (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  measure_id TEXT NOT NULL REFERENCES measures(id),
  case_id TEXT NOT NULL REFERENCES cases(id),
  action TEXT NOT NULL,
  verb TEXT NOT NULL CHECK (verb IN ('apply', 'lift')),
  state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'acknowledged', 'done', 'failed')),
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  next_try_at INTEGER NOT NULL,
  doc TEXT NOT NULL,
  last_error TEXT NOT NULL,
  UNIQUE (measure_id, verb)
) STRICT;
CREATE INDEX orders_due ON orders(state, next_try_at);
CREATE INDEX orders_case ON orders(case_id);

CREATE TABLE order_receipts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders(id),
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_receipts_order ON order_receipts(order_id);

CREATE TABLE vault_values (
  token TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  sealed BLOB NOT NULL,
  alert_id TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE vault_grants (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id),
  ground_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'approved', 'refused')),
  tokens TEXT NOT NULL,
  fields TEXT NOT NULL,
  minutes INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 60),
  asked_by TEXT NOT NULL,
  asked_role TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_role TEXT NOT NULL,
  decision_reason TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  decided_at INTEGER,
  expires_at INTEGER,
  notice_due_at INTEGER,
  notice_delay_ground TEXT NOT NULL,
  views INTEGER NOT NULL,
  CHECK (decided_by = '' OR (decided_by <> asked_by AND decided_role <> asked_role))
) STRICT;
CREATE INDEX vault_grants_case ON vault_grants(case_id);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_actor ON audit(actor, seq);
CREATE INDEX audit_action ON audit(action, seq);
CREATE INDEX audit_object ON audit(object, seq);
CREATE INDEX audit_at ON audit(at, seq);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;

CREATE TABLE audit_anchors (
  day TEXT PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  doc TEXT NOT NULL
) STRICT;

CREATE TABLE key_values (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE consumers (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT;
