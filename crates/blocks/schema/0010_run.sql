-- Runs of building blocks. `workspace` consumes, `owner` offers the definition, `runner_owner` executes.
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    block TEXT NOT NULL,
    definition TEXT NOT NULL,
    version TEXT NOT NULL,
    runner TEXT NOT NULL,
    implementation TEXT NOT NULL,
    hands_over BOOLEAN NOT NULL,
    workspace TEXT NOT NULL,
    owner TEXT NOT NULL,
    runner_owner TEXT NOT NULL,
    number BIGINT NOT NULL,
    behavior TEXT NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    state TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    claimed_at BIGINT,
    reported_at BIGINT,
    ended_at BIGINT,
    abort_requested_at BIGINT,
    node TEXT,
    runner_name TEXT,
    runner_version TEXT,
    summary TEXT,
    changes_detected BOOLEAN,
    artifact TEXT,
    plan_of TEXT,
    payload TEXT
);
CREATE UNIQUE INDEX run_number ON run (block, number);
CREATE UNIQUE INDEX run_active ON run (block) WHERE state IN ('IN_PROGRESS', 'PENDING');
CREATE INDEX run_queue ON run (runner, created_at, id) WHERE state = 'QUEUED';

-- Who reports about a run. `epoch` is the claim a source belongs to.
CREATE TABLE run_source (
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    place BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    external_id TEXT,
    external_url TEXT,
    PRIMARY KEY (run, id)
);

-- Steps as the sources name them. `log_bytes` and `log_digest` tell whether a new text only appends.
CREATE TABLE run_step (
    run TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    place BIGINT NOT NULL,
    display_name TEXT NOT NULL,
    state TEXT NOT NULL,
    user_message TEXT,
    log_bytes BIGINT NOT NULL,
    log_digest TEXT NOT NULL,
    PRIMARY KEY (run, source, id)
);

-- System messages of steps, in the pieces they arrived in.
CREATE TABLE run_log (
    run TEXT NOT NULL,
    source TEXT NOT NULL,
    step TEXT NOT NULL,
    place BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, source, step, place)
);

-- Outputs as reported; `place` orders updates, so that the last one wins.
CREATE TABLE run_output (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    type TEXT NOT NULL,
    sensitive BOOLEAN NOT NULL,
    PRIMARY KEY (run, key)
);
