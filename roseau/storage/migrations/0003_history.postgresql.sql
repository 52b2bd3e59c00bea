CREATE TABLE backups (
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    bytes BIGINT DEFAULT '0' NOT NULL,
    proven_at BIGINT,
    error TEXT DEFAULT '' NOT NULL,
    proof TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_backups PRIMARY KEY (id)
);

CREATE INDEX ix_backups_kind ON backups (kind, started_at);
