CREATE TABLE domain_allows (
    id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_domain_allows PRIMARY KEY (id),
    CONSTRAINT uq_domain_allows_domain UNIQUE (domain)
);

CREATE TABLE domain_permission_excludes (
    domain TEXT NOT NULL,
    private_comment TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_domain_permission_excludes PRIMARY KEY (domain)
);

CREATE TABLE email_domain_blocks (
    id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    allow_with_approval BOOLEAN DEFAULT false NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_email_domain_blocks PRIMARY KEY (id),
    CONSTRAINT uq_email_domain_blocks_domain UNIQUE (domain)
);

CREATE TABLE ip_blocks (
    id BIGINT NOT NULL,
    ip TEXT NOT NULL,
    severity TEXT NOT NULL,
    comment TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT pk_ip_blocks PRIMARY KEY (id),
    CONSTRAINT uq_ip_blocks_ip UNIQUE (ip)
);

CREATE TABLE log_roots (
    day TEXT NOT NULL,
    first_seq BIGINT DEFAULT '0' NOT NULL,
    last_seq BIGINT DEFAULT '0' NOT NULL,
    root TEXT NOT NULL,
    tip TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    kept_by TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_log_roots PRIMARY KEY (day)
);

CREATE TABLE logged_decisions (
    number INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    CONSTRAINT pk_logged_decisions PRIMARY KEY (number)
);

CREATE TABLE moderation_log (
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_moderation_log PRIMARY KEY (seq)
);

CREATE TABLE peer_roots (
    peer TEXT NOT NULL,
    day TEXT NOT NULL,
    first_seq BIGINT DEFAULT '0' NOT NULL,
    last_seq BIGINT DEFAULT '0' NOT NULL,
    root TEXT NOT NULL,
    tip TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    CONSTRAINT pk_peer_roots PRIMARY KEY (peer, day)
);

CREATE TABLE preserved_media (
    key_id TEXT NOT NULL,
    blob TEXT NOT NULL,
    sealed_blob TEXT NOT NULL,
    at BIGINT NOT NULL,
    dropped_at BIGINT,
    CONSTRAINT pk_preserved_media PRIMARY KEY (key_id, blob)
);

CREATE INDEX ix_preserved_media_sealed_blob ON preserved_media (sealed_blob);

CREATE TABLE root_conflicts (
    peer TEXT NOT NULL,
    day TEXT NOT NULL,
    root TEXT NOT NULL,
    whose TEXT NOT NULL,
    tip TEXT NOT NULL,
    last_seq BIGINT DEFAULT '0' NOT NULL,
    seen_at BIGINT NOT NULL,
    CONSTRAINT pk_root_conflicts PRIMARY KEY (peer, day, root)
);

CREATE TABLE staff_roles (
    name TEXT NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    permissions TEXT NOT NULL,
    second_factor BOOLEAN DEFAULT true NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_staff_roles PRIMARY KEY (name)
);

CREATE TABLE statement_templates (
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    rule_id BIGINT,
    texts TEXT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    CONSTRAINT pk_statement_templates PRIMARY KEY (id)
);

CREATE TABLE transparency_runs (
    id BIGINT NOT NULL,
    period TEXT NOT NULL,
    last_seq BIGINT DEFAULT '0' NOT NULL,
    root TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    CONSTRAINT pk_transparency_runs PRIMARY KEY (id)
);

CREATE TABLE withheld_blobs (
    blob TEXT NOT NULL,
    measure_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_withheld_blobs PRIMARY KEY (blob, measure_id)
);

CREATE TABLE canonical_email_blocks (
    id BIGINT NOT NULL,
    canonical_email_hash TEXT NOT NULL,
    account_id BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_canonical_email_blocks PRIMARY KEY (id),
    CONSTRAINT uq_canonical_email_blocks_canonical_email_hash UNIQUE (canonical_email_hash),
    CONSTRAINT fk_canonical_email_blocks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE TABLE domain_permission_subscriptions (
    id BIGINT NOT NULL,
    uri TEXT NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    priority BIGINT DEFAULT '0' NOT NULL,
    content_type TEXT DEFAULT 'csv' NOT NULL,
    severity TEXT DEFAULT 'suspend' NOT NULL,
    as_draft BOOLEAN DEFAULT true NOT NULL,
    adopt_orphans BOOLEAN DEFAULT false NOT NULL,
    remove_retracted BOOLEAN DEFAULT true NOT NULL,
    etag TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    fetched_at BIGINT,
    succeeded_at BIGINT,
    error TEXT DEFAULT '' NOT NULL,
    count BIGINT DEFAULT '0' NOT NULL,
    created_by_id BIGINT,
    CONSTRAINT pk_domain_permission_subscriptions PRIMARY KEY (id),
    CONSTRAINT uq_domain_permission_subscriptions_uri UNIQUE (uri),
    CONSTRAINT fk_domain_permission_subscriptions_created_by_id FOREIGN KEY(created_by_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE TABLE duties (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    from_minute BIGINT DEFAULT '0' NOT NULL,
    until_minute BIGINT DEFAULT '0' NOT NULL,
    on_call BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_duties PRIMARY KEY (id),
    CONSTRAINT fk_duties_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_duties_account_id ON duties (account_id);

CREATE TABLE notices (
    id BIGINT NOT NULL,
    number TEXT NOT NULL,
    channel TEXT NOT NULL,
    category TEXT DEFAULT 'other' NOT NULL,
    reason TEXT DEFAULT 'other' NOT NULL,
    rule_ids TEXT DEFAULT '[]' NOT NULL,
    comment TEXT DEFAULT '' NOT NULL,
    language TEXT DEFAULT 'en' NOT NULL,
    account_id BIGINT,
    contact BYTEA,
    good_faith BOOLEAN DEFAULT false NOT NULL,
    forward BOOLEAN DEFAULT false NOT NULL,
    target_account_id BIGINT,
    source TEXT DEFAULT '' NOT NULL,
    original BYTEA,
    received_at BIGINT NOT NULL,
    outcome TEXT,
    outcome_at BIGINT,
    CONSTRAINT pk_notices PRIMARY KEY (id),
    CONSTRAINT uq_notices_number UNIQUE (number),
    CONSTRAINT fk_notices_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_notices_target_account_id FOREIGN KEY(target_account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_notices_account ON notices (account_id, id);

CREATE INDEX ix_notices_source ON notices (source, received_at);

CREATE INDEX ix_notices_target ON notices (target_account_id, id);

CREATE TABLE rests (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    CONSTRAINT pk_rests PRIMARY KEY (id),
    CONSTRAINT fk_rests_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_rests_account_id ON rests (account_id);

CREATE TABLE rule_versions (
    rule_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    texts TEXT NOT NULL,
    lane TEXT DEFAULT 'S2' NOT NULL,
    ladder TEXT DEFAULT '[]' NOT NULL,
    dsa_category TEXT DEFAULT 'STATEMENT_CATEGORY_OTHER_VIOLATION_TC' NOT NULL,
    keywords TEXT DEFAULT '[]' NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT pk_rule_versions PRIMARY KEY (rule_id, version),
    CONSTRAINT fk_rule_versions_rule_id FOREIGN KEY(rule_id) REFERENCES rules (id) ON DELETE CASCADE
);

CREATE TABLE terms_versions (
    version INTEGER NOT NULL,
    texts TEXT NOT NULL,
    since BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    written_by_id BIGINT,
    told_at BIGINT,
    CONSTRAINT pk_terms_versions PRIMARY KEY (version),
    CONSTRAINT fk_terms_versions_written_by_id FOREIGN KEY(written_by_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE TABLE transparency_files (
    run_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    CONSTRAINT pk_transparency_files PRIMARY KEY (run_id, name),
    CONSTRAINT fk_transparency_files_run_id FOREIGN KEY(run_id) REFERENCES transparency_runs (id) ON DELETE CASCADE
);

CREATE TABLE trusted_flaggers (
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    address TEXT DEFAULT '' NOT NULL,
    account_id BIGINT,
    since BIGINT NOT NULL,
    added_by_id BIGINT,
    withdrawn_at BIGINT,
    CONSTRAINT pk_trusted_flaggers PRIMARY KEY (id),
    CONSTRAINT fk_trusted_flaggers_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_trusted_flaggers_added_by_id FOREIGN KEY(added_by_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_trusted_flaggers_account_id ON trusted_flaggers (account_id);

CREATE INDEX ix_trusted_flaggers_address ON trusted_flaggers (address);

CREATE TABLE cases (
    id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    target_account_id BIGINT,
    status_id BIGINT,
    domain TEXT DEFAULT '' NOT NULL,
    lane TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    kind TEXT DEFAULT 'notice' NOT NULL,
    severity BIGINT DEFAULT '0' NOT NULL,
    reach BIGINT DEFAULT '0' NOT NULL,
    notices_count BIGINT DEFAULT '0' NOT NULL,
    sources_count BIGINT DEFAULT '0' NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    deadline_at BIGINT,
    seen_at BIGINT,
    decided_at BIGINT,
    closed_at BIGINT,
    assignee_id BIGINT,
    assigned_at BIGINT,
    paused_until BIGINT,
    paused_reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_cases PRIMARY KEY (id),
    CONSTRAINT uq_cases_number UNIQUE (number),
    CONSTRAINT fk_cases_target_account_id FOREIGN KEY(target_account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_cases_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_cases_assignee_id FOREIGN KEY(assignee_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_cases_closed ON cases (closed_at);

CREATE INDEX ix_cases_queue ON cases (due_at, severity) WHERE state <> 'closed';

CREATE INDEX ix_cases_subject ON cases (subject, id);

CREATE INDEX ix_cases_target ON cases (target_account_id, id);

CREATE UNIQUE INDEX uq_cases_open ON cases (subject) WHERE state <> 'closed';

CREATE TABLE domain_permission_drafts (
    id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    subscription_id BIGINT,
    kind TEXT DEFAULT 'block' NOT NULL,
    severity TEXT NOT NULL,
    reject_media BOOLEAN DEFAULT false NOT NULL,
    reject_reports BOOLEAN DEFAULT false NOT NULL,
    obfuscate BOOLEAN DEFAULT false NOT NULL,
    public_comment TEXT DEFAULT '' NOT NULL,
    private_comment TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_domain_permission_drafts PRIMARY KEY (id),
    CONSTRAINT fk_domain_permission_drafts_subscription_id FOREIGN KEY(subscription_id) REFERENCES domain_permission_subscriptions (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_domain_permission_drafts ON domain_permission_drafts (domain, subscription_id, kind);

CREATE TABLE received_mails (
    hash TEXT NOT NULL,
    notice_id BIGINT,
    at BIGINT NOT NULL,
    refusal TEXT DEFAULT '' NOT NULL,
    bytes BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_received_mails PRIMARY KEY (hash),
    CONSTRAINT fk_received_mails_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE SET NULL
);

CREATE TABLE snapshots (
    id BIGINT NOT NULL,
    hash TEXT NOT NULL,
    status_id BIGINT,
    account_id BIGINT,
    content BYTEA,
    key_id TEXT DEFAULT '' NOT NULL,
    media TEXT DEFAULT '[]' NOT NULL,
    taken_at BIGINT NOT NULL,
    erased_at BIGINT,
    CONSTRAINT pk_snapshots PRIMARY KEY (id),
    CONSTRAINT uq_snapshots_hash UNIQUE (hash),
    CONSTRAINT fk_snapshots_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_snapshots_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_snapshots_kept ON snapshots (taken_at) WHERE erased_at IS NULL;

CREATE INDEX ix_snapshots_status ON snapshots (status_id);

CREATE TABLE authority_orders (
    id BIGINT NOT NULL,
    notice_id BIGINT NOT NULL,
    case_id BIGINT,
    kind TEXT NOT NULL,
    authority TEXT NOT NULL,
    reference TEXT DEFAULT '' NOT NULL,
    legal_basis TEXT DEFAULT '' NOT NULL,
    reply_to TEXT DEFAULT '' NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    confidential_until BIGINT,
    evidence_key_id TEXT DEFAULT '' NOT NULL,
    preserve_until BIGINT,
    answered_at BIGINT,
    answer TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_authority_orders PRIMARY KEY (id),
    CONSTRAINT uq_authority_orders_notice_id UNIQUE (notice_id),
    CONSTRAINT fk_authority_orders_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE CASCADE,
    CONSTRAINT fk_authority_orders_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL
);

CREATE TABLE case_events (
    id BIGINT NOT NULL,
    case_id BIGINT NOT NULL,
    account_id BIGINT,
    kind TEXT NOT NULL,
    text TEXT DEFAULT '' NOT NULL,
    detail TEXT DEFAULT '{}' NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_case_events PRIMARY KEY (id),
    CONSTRAINT fk_case_events_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE,
    CONSTRAINT fk_case_events_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_case_events_case_id ON case_events (case_id);

CREATE TABLE case_viewers (
    case_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_case_viewers PRIMARY KEY (case_id, account_id),
    CONSTRAINT fk_case_viewers_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE,
    CONSTRAINT fk_case_viewers_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE decisions (
    id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    ground TEXT NOT NULL,
    rule_id BIGINT,
    rule_version INTEGER,
    law TEXT DEFAULT '' NOT NULL,
    facts TEXT DEFAULT '' NOT NULL,
    summary TEXT DEFAULT '' NOT NULL,
    category TEXT DEFAULT 'other' NOT NULL,
    automated_detection BOOLEAN DEFAULT false NOT NULL,
    automated_decision TEXT DEFAULT 'not' NOT NULL,
    own_initiative BOOLEAN DEFAULT false NOT NULL,
    decider_id BIGINT,
    decider_role TEXT DEFAULT '' NOT NULL,
    second_decider_id BIGINT,
    reverses_id BIGINT,
    decided_at BIGINT NOT NULL,
    undo_until BIGINT NOT NULL,
    CONSTRAINT pk_decisions PRIMARY KEY (id),
    CONSTRAINT ck_decisions_rule CHECK (ground <> 'rule' OR rule_id IS NOT NULL),
    CONSTRAINT ck_decisions_law CHECK (ground <> 'law' OR law <> ''),
    CONSTRAINT ck_decisions_facts CHECK (ground = 'none' OR facts <> ''),
    CONSTRAINT ck_decisions_second CHECK (second_decider_id <> decider_id),
    CONSTRAINT ck_decisions_decider CHECK (automated_decision = 'fully' OR decider_id IS NOT NULL),
    CONSTRAINT uq_decisions_number UNIQUE (number),
    CONSTRAINT fk_decisions_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE,
    CONSTRAINT fk_decisions_decider_id FOREIGN KEY(decider_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_decisions_second_decider_id FOREIGN KEY(second_decider_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_decisions_reverses_id FOREIGN KEY(reverses_id) REFERENCES decisions (id) ON DELETE SET NULL
);

CREATE INDEX ix_decisions_case_id ON decisions (case_id);

CREATE TABLE evidence_keys (
    id TEXT NOT NULL,
    case_id BIGINT,
    digest TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    preserve_until BIGINT NOT NULL,
    erase_asked_at BIGINT,
    erased_at BIGINT,
    machines TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_evidence_keys PRIMARY KEY (id),
    CONSTRAINT fk_evidence_keys_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL
);

CREATE INDEX ix_evidence_keys_case_id ON evidence_keys (case_id);

CREATE TABLE evidence_looks (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    case_id BIGINT,
    snapshot_id BIGINT,
    detail TEXT DEFAULT '' NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_evidence_looks PRIMARY KEY (id),
    CONSTRAINT fk_evidence_looks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_evidence_looks_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL,
    CONSTRAINT fk_evidence_looks_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES snapshots (id) ON DELETE SET NULL
);

CREATE TABLE host_letters (
    id BIGINT NOT NULL,
    notice_id BIGINT NOT NULL,
    case_id BIGINT,
    provider TEXT NOT NULL,
    reference TEXT DEFAULT '' NOT NULL,
    subject TEXT DEFAULT '' NOT NULL,
    reply_to TEXT DEFAULT '' NOT NULL,
    received_at BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    deadline_found BOOLEAN DEFAULT false NOT NULL,
    answered_at BIGINT,
    pack_hash TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_host_letters PRIMARY KEY (id),
    CONSTRAINT uq_host_letters_notice_id UNIQUE (notice_id),
    CONSTRAINT fk_host_letters_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE CASCADE,
    CONSTRAINT fk_host_letters_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL
);

CREATE TABLE notice_items (
    id BIGINT NOT NULL,
    notice_id BIGINT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    uri TEXT DEFAULT '' NOT NULL,
    kind TEXT NOT NULL,
    status_id BIGINT,
    account_id BIGINT,
    case_id BIGINT,
    snapshot_id BIGINT,
    CONSTRAINT pk_notice_items PRIMARY KEY (id),
    CONSTRAINT fk_notice_items_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE CASCADE,
    CONSTRAINT fk_notice_items_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_notice_items_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_notice_items_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL,
    CONSTRAINT fk_notice_items_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES snapshots (id) ON DELETE SET NULL
);

CREATE INDEX ix_notice_items_case_id ON notice_items (case_id);

CREATE INDEX ix_notice_items_notice_id ON notice_items (notice_id);

CREATE INDEX ix_notice_items_snapshot_id ON notice_items (snapshot_id);

CREATE INDEX ix_notice_items_status ON notice_items (status_id);

CREATE TABLE notification_subjects (
    notification_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    CONSTRAINT pk_notification_subjects PRIMARY KEY (notification_id),
    CONSTRAINT fk_notification_subjects_notification_id FOREIGN KEY(notification_id) REFERENCES notifications (id) ON DELETE CASCADE
);

CREATE TABLE appeals (
    id BIGINT NOT NULL,
    decision_id BIGINT NOT NULL,
    appellant TEXT NOT NULL,
    account_id BIGINT,
    notice_id BIGINT,
    text TEXT NOT NULL,
    language TEXT DEFAULT 'en' NOT NULL,
    filed_at BIGINT NOT NULL,
    answer_due_at BIGINT NOT NULL,
    lapses_at BIGINT,
    case_id BIGINT,
    outside_reviewer_id BIGINT,
    handed_out_at BIGINT,
    CONSTRAINT pk_appeals PRIMARY KEY (id),
    CONSTRAINT ck_appeals_who CHECK (account_id IS NOT NULL OR notice_id IS NOT NULL),
    CONSTRAINT fk_appeals_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_appeals_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeals_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeals_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeals_outside_reviewer_id FOREIGN KEY(outside_reviewer_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_appeals_case_id ON appeals (case_id);

CREATE INDEX ix_appeals_decision_id ON appeals (decision_id);

CREATE UNIQUE INDEX uq_appeals_account ON appeals (decision_id, account_id);

CREATE UNIQUE INDEX uq_appeals_notice ON appeals (decision_id, notice_id);

CREATE TABLE item_dispositions (
    id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    decision_id BIGINT,
    account_id BIGINT,
    at BIGINT NOT NULL,
    CONSTRAINT pk_item_dispositions PRIMARY KEY (id),
    CONSTRAINT fk_item_dispositions_item_id FOREIGN KEY(item_id) REFERENCES notice_items (id) ON DELETE CASCADE,
    CONSTRAINT fk_item_dispositions_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE SET NULL,
    CONSTRAINT fk_item_dispositions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_item_dispositions_item_id ON item_dispositions (item_id);

CREATE TABLE misuse_marks (
    id BIGINT NOT NULL,
    account_id BIGINT,
    source TEXT DEFAULT '' NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    notice_id BIGINT,
    decision_id BIGINT,
    at BIGINT NOT NULL,
    until BIGINT,
    lifted_at BIGINT,
    CONSTRAINT pk_misuse_marks PRIMARY KEY (id),
    CONSTRAINT ck_misuse_marks_who CHECK (account_id IS NOT NULL OR source <> ''),
    CONSTRAINT fk_misuse_marks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_misuse_marks_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE SET NULL,
    CONSTRAINT fk_misuse_marks_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE SET NULL
);

CREATE INDEX ix_misuse_marks_account ON misuse_marks (account_id, side, at);

CREATE INDEX ix_misuse_marks_source ON misuse_marks (source, side, at);

CREATE TABLE proposals (
    id BIGINT NOT NULL,
    case_id BIGINT NOT NULL,
    draft TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    interim_decision_id BIGINT,
    at BIGINT NOT NULL,
    outcome TEXT,
    answered_by_id BIGINT,
    answer TEXT DEFAULT '' NOT NULL,
    answered_at BIGINT,
    CONSTRAINT pk_proposals PRIMARY KEY (id),
    CONSTRAINT ck_proposals_other CHECK (outcome <> 'agreed' OR answered_by_id <> account_id),
    CONSTRAINT fk_proposals_case_id FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE,
    CONSTRAINT fk_proposals_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_proposals_interim_decision_id FOREIGN KEY(interim_decision_id) REFERENCES decisions (id) ON DELETE SET NULL,
    CONSTRAINT fk_proposals_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_proposals_case_id ON proposals (case_id);

CREATE TABLE strikes (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    decision_id BIGINT NOT NULL,
    weight BIGINT DEFAULT '1' NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    voided_at BIGINT,
    CONSTRAINT pk_strikes PRIMARY KEY (id),
    CONSTRAINT fk_strikes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_strikes_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE CASCADE
);

CREATE INDEX ix_strikes_account_id ON strikes (account_id);

CREATE TABLE appeal_answers (
    appeal_id BIGINT NOT NULL,
    reviewer_id BIGINT,
    decider_id BIGINT,
    second_decider_id BIGINT,
    outcome TEXT NOT NULL,
    reasons TEXT DEFAULT '' NOT NULL,
    decision_id BIGINT,
    at BIGINT NOT NULL,
    CONSTRAINT pk_appeal_answers PRIMARY KEY (appeal_id),
    CONSTRAINT ck_appeal_answers_reviewer CHECK (outcome IN ('granted', 'lapsed') OR (reviewer_id IS NOT NULL AND (decider_id IS NULL OR reviewer_id <> decider_id) AND (second_decider_id IS NULL OR reviewer_id <> second_decider_id))),
    CONSTRAINT ck_appeal_answers_reasons CHECK (outcome = 'lapsed' OR reasons <> ''),
    CONSTRAINT fk_appeal_answers_appeal_id FOREIGN KEY(appeal_id) REFERENCES appeals (id) ON DELETE CASCADE,
    CONSTRAINT fk_appeal_answers_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeal_answers_decider_id FOREIGN KEY(decider_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeal_answers_second_decider_id FOREIGN KEY(second_decider_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_appeal_answers_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE SET NULL
);

CREATE TABLE appeal_media (
    appeal_id BIGINT NOT NULL,
    media_id BIGINT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_appeal_media PRIMARY KEY (appeal_id, media_id),
    CONSTRAINT fk_appeal_media_appeal_id FOREIGN KEY(appeal_id) REFERENCES appeals (id) ON DELETE CASCADE,
    CONSTRAINT fk_appeal_media_media_id FOREIGN KEY(media_id) REFERENCES media_attachments (id) ON DELETE CASCADE
);

CREATE INDEX ix_appeal_media_media_id ON appeal_media (media_id);

CREATE TABLE decision_ends (
    decision_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BIGINT,
    appeal_id BIGINT,
    at BIGINT NOT NULL,
    CONSTRAINT pk_decision_ends PRIMARY KEY (decision_id),
    CONSTRAINT fk_decision_ends_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_decision_ends_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_decision_ends_appeal_id FOREIGN KEY(appeal_id) REFERENCES appeals (id) ON DELETE SET NULL
);

CREATE TABLE deliveries (
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BIGINT,
    address BYTEA,
    notice_id BIGINT,
    decision_id BIGINT,
    appeal_id BIGINT,
    language TEXT DEFAULT 'en' NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    send_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    shown_at BIGINT,
    notified_at BIGINT,
    mailed_at BIGINT,
    delivered_at BIGINT,
    cancelled_at BIGINT,
    trouble TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_deliveries_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_deliveries_notice_id FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE SET NULL,
    CONSTRAINT fk_deliveries_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE SET NULL,
    CONSTRAINT fk_deliveries_appeal_id FOREIGN KEY(appeal_id) REFERENCES appeals (id) ON DELETE SET NULL
);

CREATE INDEX ix_deliveries_account ON deliveries (account_id, id);

CREATE INDEX ix_deliveries_notice ON deliveries (notice_id);

CREATE INDEX ix_deliveries_waiting ON deliveries (due_at) WHERE delivered_at IS NULL AND cancelled_at IS NULL;

CREATE TABLE statements (
    id BIGINT NOT NULL,
    decision_id BIGINT NOT NULL,
    account_id BIGINT,
    puid TEXT NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    fields TEXT NOT NULL,
    dsa TEXT NOT NULL,
    delivery_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    appeal_until BIGINT NOT NULL,
    CONSTRAINT pk_statements PRIMARY KEY (id),
    CONSTRAINT uq_statements_decision UNIQUE (decision_id),
    CONSTRAINT ck_statements_text CHECK (text <> ''),
    CONSTRAINT fk_statements_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_statements_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT uq_statements_puid UNIQUE (puid),
    CONSTRAINT uq_statements_delivery_id UNIQUE (delivery_id),
    CONSTRAINT fk_statements_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
);

CREATE TABLE measures (
    id BIGINT NOT NULL,
    decision_id BIGINT NOT NULL,
    statement_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    status_id BIGINT,
    account_id BIGINT,
    domain TEXT DEFAULT '' NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    territory TEXT DEFAULT '' NOT NULL,
    words TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_measures PRIMARY KEY (id),
    CONSTRAINT ck_measures_target CHECK (status_id IS NOT NULL OR account_id IS NOT NULL OR domain <> ''),
    CONSTRAINT fk_measures_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_measures_statement_id FOREIGN KEY(statement_id) REFERENCES statements (id) ON DELETE CASCADE,
    CONSTRAINT fk_measures_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_measures_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_measures_account ON measures (account_id);

CREATE INDEX ix_measures_decision_id ON measures (decision_id);

CREATE INDEX ix_measures_status ON measures (status_id);

CREATE TABLE domain_permissions (
    id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    severity TEXT NOT NULL,
    reject_media BOOLEAN DEFAULT false NOT NULL,
    reject_reports BOOLEAN DEFAULT false NOT NULL,
    obfuscate BOOLEAN DEFAULT false NOT NULL,
    public_comment TEXT DEFAULT '' NOT NULL,
    private_comment TEXT DEFAULT '' NOT NULL,
    subscription_id BIGINT,
    measure_id BIGINT,
    created_by_id BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT pk_domain_permissions PRIMARY KEY (id),
    CONSTRAINT uq_domain_permissions_domain UNIQUE (domain),
    CONSTRAINT fk_domain_permissions_subscription_id FOREIGN KEY(subscription_id) REFERENCES domain_permission_subscriptions (id) ON DELETE SET NULL,
    CONSTRAINT fk_domain_permissions_measure_id FOREIGN KEY(measure_id) REFERENCES measures (id) ON DELETE SET NULL,
    CONSTRAINT fk_domain_permissions_created_by_id FOREIGN KEY(created_by_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE TABLE measure_announcements (
    id BIGINT NOT NULL,
    measure_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    object_uri TEXT DEFAULT '' NOT NULL,
    send_at BIGINT NOT NULL,
    sent_at BIGINT,
    cancelled_at BIGINT,
    CONSTRAINT pk_measure_announcements PRIMARY KEY (id),
    CONSTRAINT fk_measure_announcements_measure_id FOREIGN KEY(measure_id) REFERENCES measures (id) ON DELETE CASCADE
);

CREATE INDEX ix_measure_announcements_measure_id ON measure_announcements (measure_id);

CREATE TABLE measure_ends (
    measure_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    decision_id BIGINT,
    at BIGINT NOT NULL,
    detail TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_measure_ends PRIMARY KEY (measure_id),
    CONSTRAINT fk_measure_ends_measure_id FOREIGN KEY(measure_id) REFERENCES measures (id) ON DELETE CASCADE,
    CONSTRAINT fk_measure_ends_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id) ON DELETE SET NULL
);

CREATE TABLE quarantine (
    id BIGINT NOT NULL,
    status_id BIGINT NOT NULL,
    measure_id BIGINT NOT NULL,
    content BYTEA NOT NULL,
    key_id TEXT DEFAULT '' NOT NULL,
    media TEXT DEFAULT '[]' NOT NULL,
    sealed_at BIGINT NOT NULL,
    restored_at BIGINT,
    CONSTRAINT pk_quarantine PRIMARY KEY (id),
    CONSTRAINT fk_quarantine_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT uq_quarantine_measure_id UNIQUE (measure_id),
    CONSTRAINT fk_quarantine_measure_id FOREIGN KEY(measure_id) REFERENCES measures (id) ON DELETE CASCADE
);

CREATE INDEX ix_quarantine_status_id ON quarantine (status_id);

CREATE TABLE severances (
    id BIGINT NOT NULL,
    measure_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    target_id BIGINT NOT NULL,
    detail TEXT DEFAULT '{}' NOT NULL,
    severed_at BIGINT NOT NULL,
    restored_at BIGINT,
    CONSTRAINT pk_severances PRIMARY KEY (id),
    CONSTRAINT fk_severances_measure_id FOREIGN KEY(measure_id) REFERENCES measures (id) ON DELETE CASCADE,
    CONSTRAINT fk_severances_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_severances_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_severances_account ON severances (account_id, measure_id);

CREATE INDEX ix_severances_measure_id ON severances (measure_id);

CREATE INDEX ix_media_attachments_file ON media_attachments (file);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are never changed and never deleted', TG_TABLE_NAME; END $$;

CREATE TRIGGER appeal_answers_append_only BEFORE UPDATE OR DELETE ON appeal_answers
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER decision_ends_append_only BEFORE UPDATE OR DELETE ON decision_ends
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER item_dispositions_append_only BEFORE UPDATE OR DELETE ON item_dispositions
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER measure_ends_append_only BEFORE UPDATE OR DELETE ON measure_ends
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER measures_append_only BEFORE UPDATE OR DELETE ON measures
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER moderation_log_append_only BEFORE UPDATE OR DELETE ON moderation_log
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER statements_append_only BEFORE UPDATE OR DELETE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_change();
