DROP TABLE blobs;

CREATE TABLE media_checks (
    id BIGINT NOT NULL,
    repair BOOLEAN DEFAULT false NOT NULL,
    asked_at BIGINT NOT NULL,
    ended_at BIGINT,
    report TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_media_checks PRIMARY KEY (id)
);
