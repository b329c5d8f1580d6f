-- Leads exchanged with banks and police by keyed hash. An unmatched hash stands in lead_waiting only, and only until purge_at.
CREATE TABLE lead_partners (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('bank', 'police', 'carrier')),
  purposes TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'active', 'refused', 'ended')),
  created_by TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decision_reason TEXT NOT NULL,
  agreement TEXT NOT NULL,
  keep_unmatched_hours INTEGER NOT NULL CHECK (keep_unmatched_hours BETWEEN 0 AND 720),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_at INTEGER,
  ended_at INTEGER,
  CHECK (state = 'proposed' OR decided_by = '' OR decided_by <> created_by)
) STRICT;

CREATE TABLE lead_keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  partner_id TEXT NOT NULL REFERENCES lead_partners(id),
  sealed BLOB NOT NULL,
  created_by TEXT NOT NULL,
  revealed_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  valid_until INTEGER,
  revealed_at INTEGER
) STRICT;
CREATE INDEX lead_keys_partner ON lead_keys(partner_id, seq);

CREATE TABLE lead_files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  partner_id TEXT NOT NULL REFERENCES lead_partners(id),
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out', 'feedback_in', 'feedback_out')),
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reading', 'done', 'stopped')),
  created_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  lines INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  matched INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  unknown_purpose INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  faulty INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  position INTEGER NOT NULL,
  faults TEXT NOT NULL,
  at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX lead_files_partner ON lead_files(partner_id, seq);
CREATE INDEX lead_files_digest ON lead_files(partner_id, direction, digest);

CREATE TABLE leads (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  partner_id TEXT NOT NULL REFERENCES lead_partners(id),
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  lead_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  purpose TEXT NOT NULL,
  file_id TEXT NOT NULL,
  token TEXT NOT NULL,
  shown TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  measure_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'used', 'withdrawn')),
  feedback TEXT NOT NULL CHECK (feedback IN ('', 'confirmed', 'false', 'acted_on')),
  feedback_by TEXT NOT NULL,
  confidence REAL NOT NULL,
  observed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  feedback_at INTEGER,
  warned_at INTEGER,
  UNIQUE (partner_id, direction, lead_id)
) STRICT;
CREATE INDEX leads_case ON leads(case_id) WHERE case_id <> '';
CREATE INDEX leads_warn ON leads(kind, seq) WHERE warned_at IS NULL;

CREATE TABLE lead_seen (
  partner_id TEXT NOT NULL,
  digest INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (partner_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_waiting (
  row INTEGER PRIMARY KEY,
  partner_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  hash BLOB NOT NULL,
  kind TEXT NOT NULL,
  purpose TEXT NOT NULL,
  file_id TEXT NOT NULL,
  confidence REAL NOT NULL,
  observed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  purge_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lead_waiting_hash ON lead_waiting(key_id, hash);
CREATE INDEX lead_waiting_purge ON lead_waiting(purge_at);
CREATE INDEX lead_waiting_lead ON lead_waiting(partner_id, lead_id);
