CREATE TABLE site_manifests (
    number INTEGER NOT NULL,
    generation BIGINT NOT NULL,
    payload TEXT NOT NULL,
    signature TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    CONSTRAINT pk_site_manifests PRIMARY KEY (number)
);
