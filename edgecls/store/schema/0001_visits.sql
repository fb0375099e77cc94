-- Times are whole microseconds since 1970-01-01 UTC. AUTOINCREMENT: an id is never used again.
CREATE TABLE visits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us INTEGER,                     -- NULL while the visit lasts
    peak_score REAL NOT NULL,
    snapshot TEXT,                        -- file name inside snapshots/, NULL when it is gone
    snapshot_bytes INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0,
    CHECK (ended_us IS NULL OR ended_us >= started_us)
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('visit_started', 'visit_ended')),
    camera TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    visit_id INTEGER REFERENCES visits (id) ON DELETE CASCADE,
    score REAL NOT NULL
) STRICT;

CREATE INDEX events_of_visit ON events (visit_id);
