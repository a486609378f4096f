-- The hub's memory. Times are microseconds since 1970-01-01 UTC; a time that is not set is NULL. A value is its datatype
-- and the text from which it can be made again.

-- One row a device; record is its JSON, NULL while the device has only readings because its record was damaged.
CREATE TABLE devices (
    id     TEXT PRIMARY KEY,
    record TEXT
) STRICT;

-- The short number of each property that has ever reported. Numbers are never used again.
CREATE TABLE series (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    device    TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    component TEXT NOT NULL,
    property  TEXT NOT NULL,
    UNIQUE (device, component, property)
) STRICT;

-- Readings are written down twice, so that each write changes one page or two, however many properties report: that is
-- what a memory card's life depends on. First they are appended to recent; when that is long enough, all of it moves to
-- history, where the readings of one property lie side by side, and to last. So the last value of a property is the row of
-- last and recent with the greatest seq, a number that rises with every reading of the house.
--
-- datatype is a number here: see kinds in readings.go. recent and history have no foreign key, which would cost a look for
-- each reading; whoever deletes from series deletes from them.
CREATE TABLE recent (
    seq      INTEGER PRIMARY KEY,
    series   INTEGER NOT NULL,
    heard    INTEGER NOT NULL,
    at       INTEGER,
    datatype INTEGER NOT NULL,
    value    TEXT NOT NULL
) STRICT;

CREATE TABLE history (
    series   INTEGER NOT NULL,
    heard    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER,
    datatype INTEGER NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (series, heard, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE last (
    series   INTEGER PRIMARY KEY REFERENCES series (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    heard    INTEGER NOT NULL,
    at       INTEGER,
    datatype INTEGER NOT NULL,
    value    TEXT NOT NULL
) STRICT;

CREATE TABLE commands (
    id        TEXT PRIMARY KEY,
    device    TEXT NOT NULL,
    component TEXT NOT NULL,
    property  TEXT NOT NULL,
    datatype  TEXT NOT NULL,
    value     TEXT NOT NULL,
    status    TEXT NOT NULL,
    reason    TEXT NOT NULL,
    origin    TEXT NOT NULL,
    created   INTEGER,
    sent      INTEGER,
    deadline  INTEGER,
    done      INTEGER
) STRICT;

CREATE INDEX commands_device ON commands (device, id);
CREATE INDEX commands_done ON commands (done); -- NULL: pending

CREATE TABLE follows (
    from_device    TEXT NOT NULL,
    from_component TEXT NOT NULL,
    from_property  TEXT NOT NULL,
    to_device      TEXT NOT NULL,
    to_component   TEXT NOT NULL,
    to_property    TEXT NOT NULL,
    PRIMARY KEY (from_device, from_component, from_property, to_device, to_component, to_property)
) STRICT, WITHOUT ROWID;

-- Records that could not be read, as they were found.
CREATE TABLE damaged (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    content TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
