-- A list of cards is kept as itself, a hundred numbers a row: the measure about one of them is the list's terms and its place in
-- it, and becomes a row of measures the first time something happens to it alone (a result, an appeal, an end of its own).
CREATE TABLE card_chunks (
  id INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL,
  run INTEGER NOT NULL,
  first INTEGER NOT NULL,
  members INTEGER NOT NULL,
  first_token TEXT NOT NULL,
  tokens TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX card_chunks_place ON card_chunks(batch, run, first);
CREATE INDEX card_chunks_token ON card_chunks(batch, first_token) WHERE run = 0;

ALTER TABLE card_batches ADD COLUMN check_due INTEGER;
ALTER TABLE card_batches ADD COLUMN rest_state TEXT NOT NULL DEFAULT 'approved' CHECK (rest_state IN ('approved', 'lapsed'));
ALTER TABLE card_batches ADD COLUMN rest_ended_at INTEGER;

-- Lists that wait for a decision or whose measures were half made go on; one that was still being read is read anew.
INSERT INTO card_chunks(batch, run, first, members, first_token, tokens)
  SELECT i.batch, 0, b.created + min(i.place) + 1, count(*), min(i.token), char(10) || group_concat(i.token, char(10)) || char(10)
  FROM (SELECT batch, token, row_number() OVER (PARTITION BY batch ORDER BY token) - 1 AS place FROM card_items) i
  JOIN card_batches b ON b.seq = i.batch
  WHERE b.state IN ('loaded', 'proposed', 'approved')
  GROUP BY i.batch, i.place / 100;
UPDATE card_batches SET lines = 0, members = 0, duplicate = 0, faulty = 0, set_aside = 0, groups = '{}', position = 0
  WHERE state = 'reading';
DROP TABLE card_items;

-- How many of a list stand where, of those that have a row: kept by the store, for counting millions takes seconds.
CREATE TABLE card_counts (
  batch_id TEXT NOT NULL,
  state TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (batch_id, state)
) STRICT, WITHOUT ROWID;
INSERT INTO card_counts SELECT batch_id, state, count(*) FROM measures WHERE bulk = 1 GROUP BY batch_id, state;
CREATE TRIGGER measures_bulk_added AFTER INSERT ON measures WHEN NEW.bulk = 1 BEGIN
  INSERT INTO card_counts VALUES (NEW.batch_id, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER measures_bulk_moved AFTER UPDATE OF state ON measures WHEN NEW.bulk = 1 AND NEW.state <> OLD.state BEGIN
  UPDATE card_counts SET n = n - 1 WHERE batch_id = OLD.batch_id AND state = OLD.state;
  INSERT INTO card_counts VALUES (NEW.batch_id, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE INDEX measures_bulk_token ON measures(batch_id, entity_token) WHERE bulk = 1;
