-- OpenTofu states of blocks, wrapped at rest; `place` counts writes. Archived states wait for their end.
CREATE TABLE state (
    block TEXT NOT NULL,
    place BIGINT NOT NULL,
    lineage TEXT NOT NULL,
    serial BIGINT NOT NULL,
    at BIGINT NOT NULL,
    run TEXT,
    archived_at BIGINT,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (block, place)
);
CREATE INDEX state_archive ON state (archived_at) WHERE archived_at IS NOT NULL;

-- Who holds the lock of a block's state, in OpenTofu's own words.
CREATE TABLE state_lock (
    block TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    info TEXT NOT NULL,
    run TEXT,
    at BIGINT NOT NULL
);
