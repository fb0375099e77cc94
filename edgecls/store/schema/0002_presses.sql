-- Presses and other events without a visit, further pictures of a visit, what people say of it,
-- and the outbox: one row per event and sink until the sink has taken the event.
ALTER TABLE visits ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN correction TEXT CHECK (correction IN ('person', 'nobody'));
ALTER TABLE visits ADD COLUMN pressed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN light TEXT NOT NULL DEFAULT 'day' CHECK (light IN ('day', 'night'));

CREATE TABLE frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    visit_id INTEGER NOT NULL REFERENCES visits (id) ON DELETE CASCADE,
    file TEXT NOT NULL,                   -- name inside snapshots/
    at_us INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE INDEX frames_of_visit ON frames (visit_id);

-- A CHECK cannot be changed: the table is made anew, and goes on counting where it was.
CREATE TABLE new_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN (
        'visit_started', 'visit_ended', 'pressed', 'tampered', 'camera_lost', 'camera_back'
    )),
    camera TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    visit_id INTEGER REFERENCES visits (id) ON DELETE CASCADE,
    score REAL,                           -- NULL where no picture was judged
    snapshot TEXT,                        -- of its own; NULL: the visit's, or none
    snapshot_bytes INTEGER NOT NULL DEFAULT 0,
    somebody INTEGER,                     -- of a press; NULL without a picture
    detail TEXT                           -- of a tampering: what was done
) STRICT;

INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_events', seq FROM sqlite_sequence WHERE name = 'events';
INSERT INTO new_events (id, kind, camera, at_us, visit_id, score)
    SELECT id, kind, camera, at_us, visit_id, score FROM events;
DROP TABLE events;
ALTER TABLE new_events RENAME TO events;

CREATE INDEX events_of_visit ON events (visit_id);
CREATE INDEX events_by_kind ON events (kind, id);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    UNIQUE (sink, event_id)
) STRICT;

CREATE INDEX outbox_of_event ON outbox (event_id);
