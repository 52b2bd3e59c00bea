"""The search index: FTS5 in SQLite, tsvector in PostgreSQL, fed by `domain/search.py`.

Neither is SQLAlchemy's to describe, so both are plain SQL here, and part of the first migration.
"""

SQLITE = """
CREATE VIRTUAL TABLE status_search USING fts5(
    words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", prefix='2 3');
CREATE VIRTUAL TABLE account_search USING fts5(
    words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", prefix='1 2 3');
"""

POSTGRESQL = """
CREATE TABLE status_search (
    status_id BIGINT PRIMARY KEY REFERENCES statuses (id) ON DELETE CASCADE, words TSVECTOR NOT NULL);
CREATE INDEX ix_status_search_words ON status_search USING gin (words);
CREATE TABLE account_search (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE, words TSVECTOR NOT NULL);
CREATE INDEX ix_account_search_words ON account_search USING gin (words);
"""
