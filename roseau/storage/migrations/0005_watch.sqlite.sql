CREATE TABLE alerts (
    kind TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    CONSTRAINT pk_alerts PRIMARY KEY (kind)
);

CREATE TABLE dependencies (
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    until BIGINT,
    detail TEXT DEFAULT '' NOT NULL,
    looked_at BIGINT NOT NULL,
    CONSTRAINT pk_dependencies PRIMARY KEY (name)
);

CREATE TABLE rehearsals (
    id INTEGER NOT NULL,
    at BIGINT NOT NULL,
    scenario TEXT NOT NULL,
    seconds FLOAT NOT NULL,
    lost BIGINT DEFAULT '0' NOT NULL,
    passed BOOLEAN NOT NULL,
    detail TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_rehearsals PRIMARY KEY (id)
);

CREATE TABLE survival_changes (
    id INTEGER NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    args TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_survival_changes PRIMARY KEY (id)
);

CREATE TABLE survival_days (
    day TEXT NOT NULL,
    seconds_refused BIGINT DEFAULT '0' NOT NULL,
    seconds_reed_missing BIGINT DEFAULT '0' NOT NULL,
    down_seconds BIGINT DEFAULT '0' NOT NULL,
    media_bytes BIGINT DEFAULT '0' NOT NULL,
    database_bytes BIGINT DEFAULT '0' NOT NULL,
    log_bytes BIGINT DEFAULT '0' NOT NULL,
    free_bytes BIGINT DEFAULT '0' NOT NULL,
    seen_at BIGINT NOT NULL,
    measured_at BIGINT,
    CONSTRAINT pk_survival_days PRIMARY KEY (day)
);
