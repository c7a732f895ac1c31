-- The ring: keys of the installation, each wrapped by the master key, which is not in the database.
CREATE TABLE ring_key (
    purpose TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    master TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (purpose, generation)
);

-- Server processes that hold the ring, and the master key they opened it with. PostgreSQL only: SQLite has one.
CREATE TABLE ring_holder (
    server TEXT PRIMARY KEY,
    master TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- How far wrapped values were brought to the newest generation.
CREATE TABLE rewrap (
    target TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    after_key TEXT NOT NULL,
    after_place BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    total BIGINT NOT NULL,
    done_at BIGINT
);
