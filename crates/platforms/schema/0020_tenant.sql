-- The last number given to a tenant of each platform; numbers are never used again.
CREATE TABLE tenant_number (
    platform TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
