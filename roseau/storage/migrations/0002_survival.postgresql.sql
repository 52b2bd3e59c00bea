CREATE TABLE log_position (
    id INTEGER NOT NULL,
    epoch BIGINT DEFAULT '0' NOT NULL,
    number BIGINT DEFAULT '0' NOT NULL,
    mark TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_log_position PRIMARY KEY (id)
);

CREATE TABLE epochs (
    epoch INTEGER NOT NULL,
    primary_id TEXT NOT NULL,
    after_number BIGINT DEFAULT '0' NOT NULL,
    after_event BIGINT DEFAULT '0' NOT NULL,
    needed BIGINT DEFAULT '0' NOT NULL,
    members TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    CONSTRAINT pk_epochs PRIMARY KEY (epoch)
);

CREATE TABLE machines (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    web_address TEXT DEFAULT '' NOT NULL,
    certificate TEXT NOT NULL,
    sealing_key TEXT NOT NULL,
    role TEXT NOT NULL,
    counted BOOLEAN DEFAULT false NOT NULL,
    paired_at BIGINT NOT NULL,
    left_at BIGINT,
    CONSTRAINT pk_machines PRIMARY KEY (id)
);
