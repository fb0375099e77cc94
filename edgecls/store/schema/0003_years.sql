-- The boot in which the newest rows were written, in one row. A board without a clock battery may
-- wake in 1970: once its clock is put right, the rows after these ids are moved by as much.
CREATE TABLE boot (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,                   -- the kernel's name for it
    ahead_us INTEGER NOT NULL,            -- wall clock minus time since the boot
    after_visit INTEGER NOT NULL,
    after_event INTEGER NOT NULL,
    after_frame INTEGER NOT NULL
) STRICT;

-- Every picture that may be deleted. In the order of (rank, place, part) they go: plain ones, then
-- those of presses, then those that somebody asked to keep; the oldest first, a visit's best last.
CREATE VIEW pictures AS
WITH ended AS (
    SELECT id, snapshot, snapshot_bytes,
           CASE WHEN kept THEN 2 WHEN pressed THEN 1 ELSE 0 END AS rank,
           (SELECT min(id) FROM events WHERE visit_id = visits.id) AS place
      FROM visits WHERE ended_us IS NOT NULL
)
SELECT 'visits' AS held_by, id, id AS visit_id, snapshot AS file, snapshot_bytes AS bytes,
       rank, place, 1 AS part
  FROM ended WHERE snapshot IS NOT NULL
UNION ALL
SELECT 'frames', frames.id, visit_id, file, bytes, rank, place, 0
  FROM frames JOIN ended ON ended.id = visit_id
UNION ALL
SELECT 'events', events.id, visit_id, events.snapshot, events.snapshot_bytes, rank, place, 0
  FROM events JOIN ended ON ended.id = visit_id WHERE events.snapshot IS NOT NULL
UNION ALL
SELECT 'events', id, NULL, snapshot, snapshot_bytes, kind = 'pressed', id, 0
  FROM events WHERE snapshot IS NOT NULL AND visit_id IS NULL;
