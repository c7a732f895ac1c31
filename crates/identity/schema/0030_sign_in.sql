-- Who is signed in. Tokens are kept as digests only. A session goes with its person.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    provider TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    idle_ends_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    id_token TEXT
);
CREATE UNIQUE INDEX session_token ON session (token);
CREATE INDEX session_person ON session (person, created_at);
CREATE INDEX session_end ON session (ends_at);

-- Local accounts: who may sign in with a password, which is kept as an Argon2id hash.
CREATE TABLE account (
    person TEXT PRIMARY KEY REFERENCES object (id) ON DELETE CASCADE,
    password TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Links that work once, by the digest of their token: to become the first administrator, to set a password.
CREATE TABLE one_time_link (
    token TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    person TEXT REFERENCES object (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX one_time_link_person ON one_time_link (person);

-- Attempts to sign in that did not succeed, by account and by address, and until when there are none.
CREATE TABLE sign_in_attempt (
    subject TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX sign_in_attempt_last ON sign_in_attempt (last_at);
