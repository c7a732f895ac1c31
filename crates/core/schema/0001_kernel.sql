-- Declared objects: everything a user can name. `doc` is what was declared, `status` what was observed.
CREATE TABLE object (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    workspace TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    doc TEXT NOT NULL,
    status TEXT NOT NULL
);
CREATE UNIQUE INDEX object_key ON object (kind, key) WHERE deleted_at IS NULL;
CREATE INDEX object_deleted_key ON object (kind, key, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX object_list ON object (kind, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX object_workspace_list ON object (kind, workspace, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX object_owner ON object (workspace, kind) WHERE deleted_at IS NULL;

-- What lists filter on, beside kind and workspace.
CREATE TABLE facet (
    object TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (object, name, value)
);
CREATE INDEX facet_list ON facet (name, value, created_at, object);

-- Who leans on whom. A row keeps `target` from going away.
CREATE TABLE reference (
    source TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    relation TEXT NOT NULL,
    target TEXT NOT NULL REFERENCES object (id),
    PRIMARY KEY (source, relation, target)
);
CREATE INDEX reference_target ON reference (target, relation);

-- Every version an object ever had, secrets removed.
CREATE TABLE history (
    object TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (object, version)
);

-- The one ordered feed of changes, and the audit trail in it (rows with a title). `seq` and `hash` are
-- given by the sequencer. `place` is the order of writing, counted by PostgreSQL for all its writers, whatever
-- their clocks say; SQLite leaves it empty, because its rows are in that order anyway.
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    seq BIGINT UNIQUE,
    place BIGSERIAL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    workspace TEXT,
    managers TEXT NOT NULL,
    action TEXT NOT NULL,
    run TEXT,
    runner TEXT,
    title TEXT,
    description TEXT NOT NULL,
    author_type TEXT NOT NULL,
    author TEXT NOT NULL,
    content TEXT NOT NULL,
    previous TEXT,
    request TEXT NOT NULL,
    hash TEXT
);
CREATE INDEX event_unsequenced ON event (place) WHERE seq IS NULL;
CREATE INDEX event_run ON event (run, seq) WHERE run IS NOT NULL;
CREATE INDEX event_object ON event (object, seq);
CREATE INDEX event_audit ON event (at, id) WHERE title IS NOT NULL;
CREATE INDEX event_audit_workspace ON event (workspace, at, id) WHERE title IS NOT NULL;

-- Work that controllers have to look at, level-triggered: a row says "look at `key` when due".
CREATE TABLE work (
    controller TEXT NOT NULL,
    key TEXT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (controller, key)
);
CREATE INDEX work_due ON work (due);
CREATE INDEX work_leased ON work (leased_until) WHERE leased_until > 0;

-- Large sealed values: plans, archived states.
CREATE TABLE blob (
    id TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    sealed BYTEA NOT NULL
);
CREATE INDEX blob_expiry ON blob (expires_at) WHERE expires_at IS NOT NULL;

-- What the installation knows of itself.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
