CREATE TABLE accounts (
    id INTEGER NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    domain TEXT DEFAULT '' NOT NULL,
    uri TEXT NOT NULL,
    url TEXT DEFAULT '' NOT NULL,
    actor_type TEXT DEFAULT 'Person' NOT NULL,
    display_name TEXT DEFAULT '' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    note_html TEXT DEFAULT '' NOT NULL,
    fields TEXT DEFAULT '[]' NOT NULL,
    avatar TEXT DEFAULT '' NOT NULL,
    avatar_static TEXT DEFAULT '' NOT NULL,
    avatar_description TEXT DEFAULT '' NOT NULL,
    header TEXT DEFAULT '' NOT NULL,
    header_static TEXT DEFAULT '' NOT NULL,
    header_description TEXT DEFAULT '' NOT NULL,
    avatar_remote_url TEXT DEFAULT '' NOT NULL,
    header_remote_url TEXT DEFAULT '' NOT NULL,
    locked BOOLEAN DEFAULT 0 NOT NULL,
    discoverable BOOLEAN DEFAULT 0 NOT NULL,
    indexable BOOLEAN DEFAULT 0 NOT NULL,
    hide_collections BOOLEAN DEFAULT 0 NOT NULL,
    show_media BOOLEAN DEFAULT 1 NOT NULL,
    show_media_replies BOOLEAN DEFAULT 1 NOT NULL,
    show_featured BOOLEAN DEFAULT 1 NOT NULL,
    followers_count BIGINT DEFAULT '0' NOT NULL,
    following_count BIGINT DEFAULT '0' NOT NULL,
    statuses_count BIGINT DEFAULT '0' NOT NULL,
    last_status_at BIGINT,
    moved_to_id INTEGER,
    also_known_as TEXT DEFAULT '[]' NOT NULL,
    inbox_url TEXT DEFAULT '' NOT NULL,
    shared_inbox_url TEXT DEFAULT '' NOT NULL,
    outbox_url TEXT DEFAULT '' NOT NULL,
    followers_url TEXT DEFAULT '' NOT NULL,
    featured_url TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    fetched_at BIGINT,
    suspended_at BIGINT,
    limited_at BIGINT,
    sensitized_at BIGINT,
    memorial_at BIGINT,
    deleted_at BIGINT,
    version BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_uri UNIQUE (uri),
    CONSTRAINT fk_accounts_moved_to_id FOREIGN KEY(moved_to_id) REFERENCES accounts (id) ON DELETE SET NULL
);

CREATE INDEX ix_accounts_limited ON accounts (id) WHERE limited_at IS NOT NULL;

CREATE UNIQUE INDEX uq_accounts_name ON accounts (username_key, domain);

CREATE TABLE blobs (
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size BIGINT DEFAULT '0' NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_blobs PRIMARY KEY (name)
);

CREATE TABLE conversations (
    id INTEGER NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_conversations PRIMARY KEY (id),
    CONSTRAINT uq_conversations_uri UNIQUE (uri)
);

CREATE TABLE custom_emojis (
    id INTEGER NOT NULL,
    shortcode TEXT NOT NULL,
    domain TEXT DEFAULT '' NOT NULL,
    file TEXT NOT NULL,
    static_file TEXT NOT NULL,
    category TEXT,
    visible_in_picker BOOLEAN DEFAULT 1 NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    CONSTRAINT pk_custom_emojis PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_custom_emojis ON custom_emojis (shortcode, domain);

CREATE TABLE data_keys (
    holder TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_data_keys PRIMARY KEY (holder)
);

CREATE TABLE event_cursors (
    reader TEXT NOT NULL,
    seq BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_event_cursors PRIMARY KEY (reader)
);

CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    payload TEXT NOT NULL
);

CREATE TABLE home_entries (
    account_id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    reblog_of_id INTEGER,
    CONSTRAINT pk_home_entries PRIMARY KEY (account_id, status_id)
)
 WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe TEXT,
    run_at BIGINT NOT NULL,
    claimed_until BIGINT,
    attempts INTEGER DEFAULT '0' NOT NULL,
    error TEXT,
    failed_at BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT uq_jobs_dedupe UNIQUE (dedupe)
);

CREATE INDEX ix_jobs_due ON jobs (run_at) WHERE failed_at IS NULL;

CREATE TABLE oauth_apps (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    website TEXT,
    client_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_oauth_apps PRIMARY KEY (id),
    CONSTRAINT uq_oauth_apps_client_id UNIQUE (client_id)
);

CREATE TABLE parked_events (
    reader TEXT NOT NULL,
    seq INTEGER NOT NULL,
    error TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_parked_events PRIMARY KEY (reader, seq)
);

CREATE TABLE rules (
    id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    CONSTRAINT pk_rules PRIMARY KEY (id)
);

CREATE TABLE schema_migrations (
    name TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    CONSTRAINT pk_schema_migrations PRIMARY KEY (name)
);

CREATE TABLE secrets (
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_secrets PRIMARY KEY (name)
);

CREATE TABLE site_names (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_site_names PRIMARY KEY (name)
);

CREATE TABLE site_settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by_id INTEGER,
    CONSTRAINT pk_site_settings PRIMARY KEY (name)
);

CREATE TABLE tags (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_status_at BIGINT,
    CONSTRAINT pk_tags PRIMARY KEY (id),
    CONSTRAINT uq_tags_name UNIQUE (name)
);

CREATE TABLE account_keys (
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    public_key TEXT NOT NULL,
    private_key BLOB,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_account_keys PRIMARY KEY (account_id, kind),
    CONSTRAINT fk_account_keys_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE account_notes (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    comment TEXT NOT NULL,
    CONSTRAINT pk_account_notes PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_account_notes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_account_notes_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE blocks (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_blocks PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_blocks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_blocks_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_blocks_id UNIQUE (id),
    CONSTRAINT uq_blocks_uri UNIQUE (uri)
);

CREATE INDEX ix_blocks_account ON blocks (account_id, id);

CREATE INDEX ix_blocks_target ON blocks (target_id, id);

CREATE TABLE conversation_mutes (
    account_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_conversation_mutes PRIMARY KEY (account_id, conversation_id),
    CONSTRAINT fk_conversation_mutes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_conversation_mutes_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
);

CREATE TABLE dismissed_suggestions (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_dismissed_suggestions PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_dismissed_suggestions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_dismissed_suggestions_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_dismissed_suggestions_id UNIQUE (id)
);

CREATE INDEX ix_dismissed_suggestions_account ON dismissed_suggestions (account_id, id);

CREATE INDEX ix_dismissed_suggestions_target ON dismissed_suggestions (target_id, id);

CREATE TABLE domain_blocks (
    account_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_domain_blocks PRIMARY KEY (account_id, domain),
    CONSTRAINT fk_domain_blocks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_domain_blocks_id UNIQUE (id)
);

CREATE TABLE endorsements (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_endorsements PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_endorsements_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_endorsements_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_endorsements_id UNIQUE (id)
);

CREATE INDEX ix_endorsements_account ON endorsements (account_id, id);

CREATE INDEX ix_endorsements_target ON endorsements (target_id, id);

CREATE TABLE featured_tags (
    account_id INTEGER NOT NULL,
    tag_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_featured_tags PRIMARY KEY (account_id, tag_id),
    CONSTRAINT fk_featured_tags_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_featured_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
    CONSTRAINT uq_featured_tags_id UNIQUE (id)
);

CREATE TABLE follow_requests (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    reblogs BOOLEAN DEFAULT 1 NOT NULL,
    notify BOOLEAN DEFAULT 0 NOT NULL,
    languages TEXT DEFAULT '[]' NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_follow_requests PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_follow_requests_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_follow_requests_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_follow_requests_id UNIQUE (id),
    CONSTRAINT uq_follow_requests_uri UNIQUE (uri)
);

CREATE INDEX ix_follow_requests_account ON follow_requests (account_id, id);

CREATE INDEX ix_follow_requests_target ON follow_requests (target_id, id);

CREATE TABLE follows (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    reblogs BOOLEAN DEFAULT 1 NOT NULL,
    notify BOOLEAN DEFAULT 0 NOT NULL,
    languages TEXT DEFAULT '[]' NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_follows PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_follows_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_follows_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_follows_id UNIQUE (id),
    CONSTRAINT uq_follows_uri UNIQUE (uri)
);

CREATE INDEX ix_follows_account ON follows (account_id, id);

CREATE INDEX ix_follows_target ON follows (target_id, id);

CREATE TABLE invites (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    max_uses INTEGER,
    uses BIGINT DEFAULT '0' NOT NULL,
    autofollow BOOLEAN DEFAULT 0 NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT pk_invites PRIMARY KEY (id),
    CONSTRAINT fk_invites_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_invites_code UNIQUE (code)
);

CREATE INDEX ix_invites_account_id ON invites (account_id);

CREATE TABLE lists (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    replies_policy TEXT DEFAULT 'list' NOT NULL,
    "exclusive" BOOLEAN DEFAULT 0 NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_lists PRIMARY KEY (id),
    CONSTRAINT fk_lists_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_lists_account_id ON lists (account_id);

CREATE TABLE markers (
    account_id INTEGER NOT NULL,
    timeline TEXT NOT NULL,
    last_read_id INTEGER NOT NULL,
    version BIGINT DEFAULT '0' NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_markers PRIMARY KEY (account_id, timeline),
    CONSTRAINT fk_markers_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE mutes (
    account_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    notifications BOOLEAN DEFAULT 1 NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_mutes PRIMARY KEY (account_id, target_id),
    CONSTRAINT fk_mutes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_mutes_target_id FOREIGN KEY(target_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_mutes_id UNIQUE (id)
);

CREATE INDEX ix_mutes_account ON mutes (account_id, id);

CREATE INDEX ix_mutes_target ON mutes (target_id, id);

CREATE TABLE notification_permissions (
    account_id INTEGER NOT NULL,
    from_account_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_notification_permissions PRIMARY KEY (account_id, from_account_id),
    CONSTRAINT fk_notification_permissions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_notification_permissions_from_account_id FOREIGN KEY(from_account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE notification_policies (
    account_id INTEGER NOT NULL,
    for_not_following TEXT DEFAULT 'accept' NOT NULL,
    for_not_followers TEXT DEFAULT 'accept' NOT NULL,
    for_new_accounts TEXT DEFAULT 'accept' NOT NULL,
    for_private_mentions TEXT DEFAULT 'accept' NOT NULL,
    for_limited_accounts TEXT DEFAULT 'accept' NOT NULL,
    for_bots TEXT DEFAULT 'accept' NOT NULL,
    CONSTRAINT pk_notification_policies PRIMARY KEY (account_id),
    CONSTRAINT fk_notification_policies_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE oauth_grants (
    code_hash TEXT NOT NULL,
    app_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    code_challenge TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT pk_oauth_grants PRIMARY KEY (code_hash),
    CONSTRAINT fk_oauth_grants_app_id FOREIGN KEY(app_id) REFERENCES oauth_apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_oauth_grants_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE oauth_tokens (
    id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    app_id INTEGER NOT NULL,
    account_id INTEGER,
    scopes TEXT NOT NULL,
    code_hash TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CONSTRAINT pk_oauth_tokens PRIMARY KEY (id),
    CONSTRAINT uq_oauth_tokens_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_oauth_tokens_app_id FOREIGN KEY(app_id) REFERENCES oauth_apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_oauth_tokens_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_oauth_tokens_account_id ON oauth_tokens (account_id);

CREATE INDEX ix_oauth_tokens_code_hash ON oauth_tokens (code_hash);

CREATE TABLE one_time_links (
    token_hash TEXT NOT NULL,
    purpose TEXT NOT NULL,
    account_id INTEGER,
    detail TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT pk_one_time_links PRIMARY KEY (token_hash),
    CONSTRAINT fk_one_time_links_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE recovery_codes (
    account_id INTEGER NOT NULL,
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (account_id, code_hash),
    CONSTRAINT fk_recovery_codes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE rule_texts (
    rule_id INTEGER NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    hint TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_rule_texts PRIMARY KEY (rule_id, language),
    CONSTRAINT fk_rule_texts_rule_id FOREIGN KEY(rule_id) REFERENCES rules (id) ON DELETE CASCADE
);

CREATE TABLE scheduled_statuses (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    app_id INTEGER,
    draft TEXT NOT NULL,
    scheduled_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_scheduled_statuses PRIMARY KEY (id),
    CONSTRAINT fk_scheduled_statuses_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_scheduled_statuses_app_id FOREIGN KEY(app_id) REFERENCES oauth_apps (id) ON DELETE SET NULL
);

CREATE INDEX ix_scheduled_statuses_account ON scheduled_statuses (account_id, id);

CREATE TABLE sessions (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    user_agent TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_sessions_account_id ON sessions (account_id);

CREATE TABLE statuses (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    uri TEXT NOT NULL,
    url TEXT DEFAULT '' NOT NULL,
    local BOOLEAN DEFAULT 1 NOT NULL,
    text TEXT DEFAULT '' NOT NULL,
    content_type TEXT DEFAULT 'text/plain' NOT NULL,
    content TEXT DEFAULT '' NOT NULL,
    spoiler_text TEXT DEFAULT '' NOT NULL,
    sensitive BOOLEAN DEFAULT 0 NOT NULL,
    language TEXT,
    visibility TEXT NOT NULL,
    local_only BOOLEAN DEFAULT 0 NOT NULL,
    in_reply_to_id INTEGER,
    in_reply_to_account_id INTEGER,
    reblog_of_id INTEGER,
    conversation_id INTEGER,
    app_id INTEGER,
    replies_count BIGINT DEFAULT '0' NOT NULL,
    reblogs_count BIGINT DEFAULT '0' NOT NULL,
    favourites_count BIGINT DEFAULT '0' NOT NULL,
    created_at BIGINT NOT NULL,
    edited_at BIGINT,
    hidden_at BIGINT,
    deleted_at BIGINT,
    version BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_statuses PRIMARY KEY (id),
    CONSTRAINT fk_statuses_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_statuses_uri UNIQUE (uri),
    CONSTRAINT fk_statuses_in_reply_to_id FOREIGN KEY(in_reply_to_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_statuses_in_reply_to_account_id FOREIGN KEY(in_reply_to_account_id) REFERENCES accounts (id) ON DELETE SET NULL,
    CONSTRAINT fk_statuses_reblog_of_id FOREIGN KEY(reblog_of_id) REFERENCES statuses (id) ON DELETE SET NULL,
    CONSTRAINT fk_statuses_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE SET NULL,
    CONSTRAINT fk_statuses_app_id FOREIGN KEY(app_id) REFERENCES oauth_apps (id) ON DELETE SET NULL
);

CREATE INDEX ix_statuses_account ON statuses (account_id, id DESC);

CREATE INDEX ix_statuses_conversation_id ON statuses (conversation_id);

CREATE INDEX ix_statuses_local ON statuses (id) WHERE visibility = 'public' AND reblog_of_id IS NULL AND deleted_at IS NULL AND hidden_at IS NULL AND local;

CREATE INDEX ix_statuses_public ON statuses (id) WHERE visibility = 'public' AND reblog_of_id IS NULL AND deleted_at IS NULL AND hidden_at IS NULL;

CREATE INDEX ix_statuses_reply ON statuses (in_reply_to_id);

CREATE UNIQUE INDEX uq_statuses_reblog ON statuses (reblog_of_id, account_id) WHERE reblog_of_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE tag_follows (
    account_id INTEGER NOT NULL,
    tag_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_tag_follows PRIMARY KEY (account_id, tag_id),
    CONSTRAINT fk_tag_follows_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_tag_follows_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
    CONSTRAINT uq_tag_follows_id UNIQUE (id)
);

CREATE INDEX ix_tag_follows_tag ON tag_follows (tag_id, account_id);

CREATE TABLE account_conversations (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    participant_ids TEXT NOT NULL,
    last_status_id INTEGER NOT NULL,
    unread BOOLEAN DEFAULT 0 NOT NULL,
    CONSTRAINT pk_account_conversations PRIMARY KEY (id),
    CONSTRAINT fk_account_conversations_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_account_conversations_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT fk_account_conversations_last_status_id FOREIGN KEY(last_status_id) REFERENCES statuses (id) ON DELETE CASCADE
);

CREATE INDEX ix_account_conversations_last ON account_conversations (account_id, last_status_id);

CREATE UNIQUE INDEX uq_account_conversations ON account_conversations (account_id, conversation_id);

CREATE TABLE bookmarks (
    account_id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_bookmarks PRIMARY KEY (account_id, status_id),
    CONSTRAINT fk_bookmarks_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_bookmarks_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT uq_bookmarks_id UNIQUE (id)
);

CREATE INDEX ix_bookmarks_account ON bookmarks (account_id, id);

CREATE INDEX ix_bookmarks_status ON bookmarks (status_id, id);

CREATE TABLE favourites (
    account_id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_favourites PRIMARY KEY (account_id, status_id),
    CONSTRAINT fk_favourites_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_favourites_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT uq_favourites_id UNIQUE (id),
    CONSTRAINT uq_favourites_uri UNIQUE (uri)
);

CREATE INDEX ix_favourites_account ON favourites (account_id, id);

CREATE INDEX ix_favourites_status ON favourites (status_id, id);

CREATE TABLE idempotency_keys (
    account_id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    status_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (account_id, "key"),
    CONSTRAINT fk_idempotency_keys_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_idempotency_keys_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE
);

CREATE TABLE list_accounts (
    list_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    CONSTRAINT pk_list_accounts PRIMARY KEY (list_id, account_id),
    CONSTRAINT fk_list_accounts_list_id FOREIGN KEY(list_id) REFERENCES lists (id) ON DELETE CASCADE,
    CONSTRAINT fk_list_accounts_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_list_accounts_id UNIQUE (id)
);

CREATE INDEX ix_list_accounts_account ON list_accounts (account_id);

CREATE TABLE media_attachments (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    status_id INTEGER,
    position INTEGER DEFAULT '0' NOT NULL,
    kind TEXT DEFAULT 'image' NOT NULL,
    state TEXT DEFAULT 'processing' NOT NULL,
    error TEXT,
    content_type TEXT DEFAULT '' NOT NULL,
    file TEXT DEFAULT '' NOT NULL,
    small_file TEXT DEFAULT '' NOT NULL,
    meta TEXT DEFAULT '{}' NOT NULL,
    blurhash TEXT,
    description TEXT,
    remote_url TEXT,
    uri TEXT,
    created_at BIGINT NOT NULL,
    hidden_at BIGINT,
    CONSTRAINT pk_media_attachments PRIMARY KEY (id),
    CONSTRAINT fk_media_attachments_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_media_attachments_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL
);

CREATE INDEX ix_media_attachments_account_id ON media_attachments (account_id);

CREATE INDEX ix_media_attachments_status ON media_attachments (status_id, position);

CREATE TABLE mentions (
    status_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    silent BOOLEAN DEFAULT 0 NOT NULL,
    CONSTRAINT pk_mentions PRIMARY KEY (status_id, account_id),
    CONSTRAINT fk_mentions_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT fk_mentions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_mentions_account ON mentions (account_id, status_id);

CREATE TABLE notifications (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    from_account_id INTEGER NOT NULL,
    status_id INTEGER,
    dedupe TEXT NOT NULL,
    group_key TEXT NOT NULL,
    filtered BOOLEAN DEFAULT 0 NOT NULL,
    created_at BIGINT NOT NULL,
    dismissed_at BIGINT,
    CONSTRAINT pk_notifications PRIMARY KEY (id),
    CONSTRAINT fk_notifications_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_notifications_from_account_id FOREIGN KEY(from_account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_notifications_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE SET NULL
);

CREATE INDEX ix_notifications_account ON notifications (account_id, id);

CREATE INDEX ix_notifications_group ON notifications (account_id, group_key, id);

CREATE INDEX ix_notifications_status ON notifications (status_id);

CREATE UNIQUE INDEX uq_notifications ON notifications (account_id, dedupe);

CREATE TABLE pins (
    account_id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_pins PRIMARY KEY (account_id, status_id),
    CONSTRAINT fk_pins_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_pins_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT uq_pins_id UNIQUE (id)
);

CREATE INDEX ix_pins_account ON pins (account_id, id);

CREATE INDEX ix_pins_status ON pins (status_id, id);

CREATE TABLE polls (
    id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    multiple BOOLEAN DEFAULT 0 NOT NULL,
    hide_totals BOOLEAN DEFAULT 0 NOT NULL,
    votes_count BIGINT DEFAULT '0' NOT NULL,
    voters_count BIGINT DEFAULT '0' NOT NULL,
    expires_at BIGINT,
    closed_at BIGINT,
    CONSTRAINT pk_polls PRIMARY KEY (id),
    CONSTRAINT uq_polls_status_id UNIQUE (status_id),
    CONSTRAINT fk_polls_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE,
    CONSTRAINT fk_polls_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE push_subscriptions (
    id INTEGER NOT NULL,
    token_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    standard BOOLEAN DEFAULT 0 NOT NULL,
    alerts TEXT NOT NULL,
    policy TEXT DEFAULT 'all' NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_push_subscriptions PRIMARY KEY (id),
    CONSTRAINT uq_push_subscriptions_token_id UNIQUE (token_id),
    CONSTRAINT fk_push_subscriptions_token_id FOREIGN KEY(token_id) REFERENCES oauth_tokens (id) ON DELETE CASCADE,
    CONSTRAINT fk_push_subscriptions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_push_subscriptions_account_id ON push_subscriptions (account_id);

CREATE TABLE status_edits (
    id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    content TEXT NOT NULL,
    text TEXT NOT NULL,
    spoiler_text TEXT NOT NULL,
    sensitive BOOLEAN DEFAULT 0 NOT NULL,
    media TEXT DEFAULT '[]' NOT NULL,
    poll_options TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_status_edits PRIMARY KEY (id),
    CONSTRAINT fk_status_edits_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE
);

CREATE INDEX ix_status_edits_status_id ON status_edits (status_id);

CREATE TABLE status_tags (
    tag_id INTEGER NOT NULL,
    status_id INTEGER NOT NULL,
    CONSTRAINT pk_status_tags PRIMARY KEY (tag_id, status_id),
    CONSTRAINT fk_status_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
    CONSTRAINT fk_status_tags_status_id FOREIGN KEY(status_id) REFERENCES statuses (id) ON DELETE CASCADE
);

CREATE INDEX ix_status_tags_status ON status_tags (status_id);

CREATE TABLE users (
    account_id INTEGER NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    password_hash TEXT DEFAULT '' NOT NULL,
    role TEXT DEFAULT 'member' NOT NULL,
    locale TEXT DEFAULT 'en' NOT NULL,
    time_zone TEXT DEFAULT 'UTC' NOT NULL,
    preferences TEXT DEFAULT '{}' NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    approved_at BIGINT,
    disabled_at BIGINT,
    rules_accepted_at BIGINT,
    age_confirmed_at BIGINT,
    invite_id INTEGER,
    last_active_on BIGINT,
    otp_secret BLOB,
    otp_enabled_at BIGINT,
    otp_last_step BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (account_id),
    CONSTRAINT fk_users_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_users_email_key UNIQUE (email_key),
    CONSTRAINT fk_users_invite_id FOREIGN KEY(invite_id) REFERENCES invites (id) ON DELETE SET NULL
);

CREATE TABLE poll_options (
    poll_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    votes_count BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_poll_options PRIMARY KEY (poll_id, position),
    CONSTRAINT fk_poll_options_poll_id FOREIGN KEY(poll_id) REFERENCES polls (id) ON DELETE CASCADE
);

CREATE TABLE poll_votes (
    poll_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    uri TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_poll_votes PRIMARY KEY (poll_id, account_id, position),
    CONSTRAINT fk_poll_votes_poll_id FOREIGN KEY(poll_id) REFERENCES polls (id) ON DELETE CASCADE,
    CONSTRAINT fk_poll_votes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_poll_votes_uri UNIQUE (uri)
);

CREATE VIRTUAL TABLE status_search USING fts5(
    words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", prefix='2 3');
CREATE VIRTUAL TABLE account_search USING fts5(
    words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", prefix='1 2 3');
