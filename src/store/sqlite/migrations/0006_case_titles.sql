-- The title of a case in both languages. Those opened before get the other one from the alert they were named after; what a person
-- wrote stays in both as it is.
ALTER TABLE cases RENAME COLUMN title TO title_zh;
ALTER TABLE cases ADD COLUMN title_en TEXT NOT NULL DEFAULT '';
UPDATE cases SET title_en = title_zh;
UPDATE cases SET
  title_zh = coalesce((SELECT a.title_zh FROM alerts a WHERE a.case_id = cases.id AND a.title_en = cases.title_en LIMIT 1), title_zh),
  title_en = coalesce((SELECT a.title_en FROM alerts a WHERE a.case_id = cases.id AND a.title_zh = cases.title_zh LIMIT 1), title_en);
