-- What a declarative import into a collection brought in. The collections are declared objects themselves.
CREATE TABLE collection_member (
    collection TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (collection, kind, key)
);
