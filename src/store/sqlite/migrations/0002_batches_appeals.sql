-- One proposal about many numbers, each with a measure of its own; appeals against one measure; what carriers answered.
CREATE TABLE measure_batches (
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
  state TEXT NOT NULL CHECK (state IN ('proposed', 'partly', 'approved', 'refused', 'lapsed')),
  proposed_by TEXT NOT NULL,
  refused_reason TEXT NOT NULL,
  left_out TEXT NOT NULL,
  members INTEGER NOT NULL CHECK (members >= 1),
  proposed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  lapse_at INTEGER NOT NULL,
  decided_at INTEGER
) STRICT;
CREATE INDEX measure_batches_case ON measure_batches(case_id, seq);
CREATE INDEX measure_batches_state ON measure_batches(state, seq);

ALTER TABLE measures ADD COLUMN batch_id TEXT NOT NULL DEFAULT '';
ALTER TABLE measures ADD COLUMN risk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE measures ADD COLUMN risk_basis TEXT NOT NULL DEFAULT '';
ALTER TABLE measures ADD COLUMN protected_group TEXT NOT NULL DEFAULT '';
ALTER TABLE measures ADD COLUMN check_result TEXT NOT NULL DEFAULT '' CHECK (check_result IN ('', 'passed', 'failed', 'no_answer'));
ALTER TABLE measures ADD COLUMN check_due INTEGER;
ALTER TABLE measures ADD COLUMN checked_at INTEGER;
ALTER TABLE measures ADD COLUMN checked_by TEXT NOT NULL DEFAULT '';
CREATE INDEX measures_batch ON measures(batch_id, seq) WHERE batch_id <> '';
CREATE INDEX measures_token ON measures(entity_token, seq) WHERE entity_token <> '';
CREATE INDEX measures_check ON measures(check_due) WHERE check_due IS NOT NULL;

CREATE TABLE appeals (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  measure_id TEXT NOT NULL REFERENCES measures(id),
  case_id TEXT NOT NULL REFERENCES cases(id),
  decision_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  claim TEXT NOT NULL,
  recorded_by TEXT NOT NULL,
  late INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'upheld', 'partly', 'rejected', 'lapsed')),
  state_before TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  reason TEXT NOT NULL,
  repair TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  decided_at INTEGER
) STRICT;
CREATE UNIQUE INDEX appeals_open ON appeals(measure_id) WHERE state = 'open';
CREATE INDEX appeals_case ON appeals(case_id, seq);
CREATE INDEX appeals_measure ON appeals(measure_id, seq);
CREATE INDEX appeals_state ON appeals(state, due_at);

ALTER TABLE order_receipts ADD COLUMN carrier TEXT NOT NULL DEFAULT '';
