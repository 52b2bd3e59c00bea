DROP TABLE blobs;

CREATE TABLE media_checks (
    id INTEGER NOT NULL,
    repair BOOLEAN DEFAULT 0 NOT NULL,
    asked_at BIGINT NOT NULL,
    ended_at BIGINT,
    report TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_media_checks PRIMARY KEY (id)
);
