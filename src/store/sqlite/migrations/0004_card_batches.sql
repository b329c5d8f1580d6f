-- Proposals about millions of numbers. Their measures carry bulk = 1 and are left out of every look at "all measures in force".
CREATE TABLE card_batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  case_id TEXT NOT NULL REFERENCES cases(id),
  kind TEXT NOT NULL,
  category TEXT NOT NULL,
  ground_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  reason TEXT NOT NULL,
  skip_reason TEXT NOT NULL,
  notice TEXT NOT NULL,
  appeal_channel TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reading', 'loaded', 'proposed', 'approved', 'done', 'refused', 'lapsed')),
  loaded_by TEXT NOT NULL,
  proposed_by TEXT NOT NULL,
  refused_reason TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  approvals TEXT NOT NULL,
  lines INTEGER NOT NULL,
  members INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  faulty INTEGER NOT NULL,
  set_aside INTEGER NOT NULL,
  groups TEXT NOT NULL,
  position INTEGER NOT NULL,
  created INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  lapse_at INTEGER NOT NULL,
  decided_at INTEGER,
  done_at INTEGER
) STRICT;
CREATE INDEX card_batches_state ON card_batches(state, seq);

CREATE TABLE card_items (
  batch INTEGER NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY (batch, token)
) STRICT, WITHOUT ROWID;

ALTER TABLE measures ADD COLUMN bulk INTEGER NOT NULL DEFAULT 0;
DROP INDEX measures_case;
DROP INDEX measures_state;
DROP INDEX measures_check;
CREATE INDEX measures_case ON measures(case_id) WHERE bulk = 0;
CREATE INDEX measures_state ON measures(state, expires_at) WHERE bulk = 0;
CREATE INDEX measures_check ON measures(check_due) WHERE check_due IS NOT NULL AND bulk = 0;
CREATE INDEX measures_bulk_end ON measures(expires_at) WHERE bulk = 1 AND state IN ('approved', 'ordered', 'in_force');
CREATE INDEX measures_bulk_check ON measures(check_due) WHERE bulk = 1 AND check_due IS NOT NULL AND check_result <> 'failed' AND state IN ('approved', 'ordered', 'in_force');
