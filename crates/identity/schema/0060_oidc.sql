-- Sign-ins under way at an identity provider: what has to fit when the browser comes back, each used once.
CREATE TABLE oidc_request (
    state TEXT PRIMARY KEY,
    browser TEXT NOT NULL,
    provider TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    next TEXT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX oidc_request_end ON oidc_request (ends_at);

-- Who somebody is at an identity provider.
CREATE TABLE oidc_subject (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX oidc_subject_person ON oidc_subject (person);

-- The proof of a session's provider is kept wrapped.
ALTER TABLE session DROP COLUMN id_token;
ALTER TABLE session ADD COLUMN id_token BYTEA;
