-- What objects are found by: name, identifier, uuid and the like, in small letters, a line each. The first line orders
-- lists by name. Kept with the object, in the same transaction.
CREATE TABLE label (
    object TEXT PRIMARY KEY REFERENCES object (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX label_list ON label (kind, text, object);
