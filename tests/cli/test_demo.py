"""The demo: the same for the same seed, counts that are true, and a community that its pages can show."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, func, select

from roseau.app import open_server
from roseau.cli.demo.people import OWNER
from roseau.cli.demo.speaking import WORDINGS, fill
from roseau.domain.accounts.loading import find_account_id, load_accounts
from roseau.domain.notifications.reading import Choice, list_notifications
from roseau.domain.search.asking import parse_question
from roseau.domain.search.people import search_accounts
from roseau.domain.search.statuses import search_statuses
from roseau.domain.statuses.loading import load_statuses
from roseau.domain.timelines.fanout import fan_out
from roseau.domain.timelines.queries import list_home, list_public
from roseau.doors.server import Server
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.storage.schema import metadata
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import favourites, poll_options, poll_votes, polls, statuses
from roseau.storage.schema.timelines import home_entries
from roseau.storage.statements import statement
from tests.cli.running import ok, run
from tests.servers import postgresql

UNTIL = ("--until", "2026-11-20")
#: What no two sites share: secrets, and when they were made.
OWN = {
    "secrets",
    "data_keys",
    "schema_migrations",
    "site_settings",
    "events",
    "jobs",
    "log_position",
    "site_manifests",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A small demo on each database, opened, to be looked at."""
    data, name = tmp_path_factory.mktemp("demo"), f"demo_{os.getpid()}"
    database = "" if request.param == "sqlite" else postgresql.create_database(postgresql.shared(), name)
    ok("demo", "--accounts", "30", "--statuses", "500", *UNTIL, "--data", data, database=database)
    server = open_server(Settings(data=str(data), database=database))
    yield server
    server.database.close()
    if database:
        postgresql.drop_database(postgresql.shared(), name)


def content_of(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but for secrets."""
    server = open_server(Settings(data=str(data)))
    try:
        return server.database.read_now(_content)
    finally:
        server.database.close()


def _content(tx: Transaction) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: _rows(tx, table) for table in metadata.sorted_tables if table.name not in OWN}


def _rows(tx: Transaction, table: Table) -> list[tuple[Any, ...]]:
    columns = [column for column in table.c if column.name != "password_hash"]
    return sorted(tuple(row) for row in tx.all(statement(select(*columns))))


def test_the_same_seed_makes_the_same_community_and_another_another(tmp_path: Path) -> None:
    size = ("--accounts", "12", "--statuses", "150", *UNTIL)
    for name, seed in (("one", "5"), ("two", "5"), ("other", "6")):
        ok("demo", *size, "--seed", seed, "--data", tmp_path / name)
    one, two, other = (content_of(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert len(one["statuses"]) == len(other["statuses"]) == 150
    assert one["statuses"] != other["statuses"]
    pictures = [list(FolderBlobs(tmp_path / name / "media").names()) for name in ("one", "two")]
    assert pictures[0] == pictures[1] != []


def test_a_site_with_accounts_is_not_filled(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ok("demo", "--accounts", "3", "--statuses", "0", "--data", data)
    refused = run("demo", "--data", data)
    assert refused.status == 1 and "accounts already" in refused.err


def test_every_count_is_the_number_of_rows(demo: Server) -> None:
    def compare(tx: Transaction) -> None:
        def counted(column: Any, *conditions: Any) -> dict[int, int]:
            found = tx.all(statement(select(column, func.count()).where(*conditions).group_by(column)))
            return {row[0]: row[1] for row in found if row[0] is not None}

        s, open_ = statuses, statuses.c.visibility.in_(["public", "unlisted"])
        for table, column, expected in (
            (accounts, accounts.c.followers_count, counted(follows.c.target_id)),
            (accounts, accounts.c.following_count, counted(follows.c.account_id)),
            (accounts, accounts.c.statuses_count, counted(s.c.account_id)),
            (s, s.c.replies_count, counted(s.c.in_reply_to_id, open_)),
            (s, s.c.reblogs_count, counted(s.c.reblog_of_id)),
            (s, s.c.favourites_count, counted(favourites.c.status_id)),
            (polls, polls.c.votes_count, counted(poll_votes.c.poll_id)),
        ):
            kept = {row[0]: row[1] for row in tx.all(statement(select(table.c.id, column))) if row[1]}
            assert kept == expected, column
            assert expected, column
        shares = counted(poll_votes.c.position)
        titles = tx.all(
            statement(
                select(poll_options.c.position, func.sum(poll_options.c.votes_count)).group_by(
                    poll_options.c.position
                )
            )
        )
        assert {row[0]: int(row[1]) for row in titles if row[1]} == shares

    demo.database.read_now(compare)


def test_it_is_a_community_of_many_kinds(demo: Server) -> None:
    def look(tx: Transaction) -> None:
        kinds = {row[0] for row in tx.all(statement(select(statuses.c.visibility).distinct()))}
        assert kinds == {"public", "unlisted", "private", "direct"}
        languages = {row[0] for row in tx.all(statement(select(statuses.c.language).distinct()))}
        assert languages >= {"fr", "en"}
        for name in (
            "media_attachments", "polls", "mentions", "status_tags", "bookmarks", "pins", "lists",
            "list_accounts", "tag_follows", "notifications", "account_conversations", "follow_requests",
            "rules",
        ):  # fmt: skip
            table = metadata.tables[name]
            assert tx.value(statement(select(func.count()).select_from(table))), name
        roles = {row[0] for row in tx.all(statement(select(users.c.role)))}
        assert roles == {"owner", "moderator", "member"}

    demo.database.read_now(look)


def test_the_owner_has_a_home_and_news(demo: Server) -> None:
    def look(tx: Transaction) -> None:
        owner = find_account_id(tx, OWNER)
        assert owner is not None
        assert load_accounts(tx, [owner])[owner].followers_count > 3
        home = list_home(tx, owner, Page(limit=40))
        assert len(home) == 40
        most = statement(
            select(func.count().label("size")).group_by(home_entries.c.account_id).select_from(home_entries)
        )
        assert max(tx.values(most)) <= 200
        own = select(home_entries.c.status_id).where(home_entries.c.account_id == owner)
        entries = tx.values(statement(own))
        # Whatever was laid into the home timeline may be seen there.
        assert len(load_statuses(tx, owner, entries)) == len(entries)
        assert list_public(tx, 0, Page(limit=20))
        assert len(list_notifications(tx, owner, Page(limit=15), Choice())) == 15

    demo.database.read_now(look)


def test_what_was_said_is_found(demo: Server) -> None:
    def look(tx: Transaction) -> None:
        owner = find_account_id(tx, OWNER) or 0
        own = select(statuses.c.id, statuses.c.text).where(
            statuses.c.account_id == owner, statuses.c.text != ""
        )
        for row in tx.all(statement(own.limit(5))):
            found = search_statuses(tx, demo.site, owner, parse_question(row.text.split("#")[0]), Page())
            assert row.id in {view.id for view in found}
        assert [view.id for view in search_accounts(tx, demo.site, owner, OWNER)] == [owner]

    demo.database.read_now(look)


class RolledBack(Exception):
    """Ends a transaction that was only to try something."""


def test_home_timelines_hold_what_fan_out_would_have_laid_there(demo: Server) -> None:
    def lay_out_again(tx: Transaction) -> None:
        entries = statement(select(home_entries.c.account_id, home_entries.c.status_id))
        laid_out = {tuple(row) for row in tx.all(entries)}
        tx.script("DELETE FROM home_entries")
        for status_id in tx.values(statement(select(statuses.c.id).order_by(statuses.c.id))):
            fan_out(tx, status_id)
        fanned_out = {tuple(row) for row in tx.all(entries)}
        assert laid_out <= fanned_out
        assert len(laid_out) > len(fanned_out) / 3
        raise RolledBack

    with pytest.raises(RolledBack):
        demo.database.write_now(lay_out_again)


def test_every_picture_that_is_named_is_there_and_described(demo: Server) -> None:
    def look(tx: Transaction) -> None:
        m = media_attachments.c
        for row in tx.all(statement(select(m.file, m.small_file, m.description, m.meta, m.blurhash))):
            assert demo.blobs.path_of(row.file).is_file() and demo.blobs.path_of(row.small_file).is_file()
            assert row.description and len(row.blurhash) == 36
            assert msgspec.json.decode(row.meta)["original"]["width"] >= 900
        for row in tx.all(statement(select(accounts.c.avatar, accounts.c.header))):
            assert all(demo.blobs.path_of(name).is_file() for name in row if name)

    demo.database.read_now(look)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sentence_can_be_filled_in(language: str) -> None:
    wording = WORDINGS[language]

    class First:
        """Chooses the first of anything."""

        def choice(self, values: tuple[str, ...]) -> str:
            return values[0]

    templates = [text for theme in wording.themes for text in (*theme.openings, *theme.sequels)]
    templates += [*wording.answers, *wording.continuations, *wording.private, *wording.asides]
    templates += [question.text for question in wording.questions] + [text for _, text in wording.warned]
    for template in templates:
        said = fill(First(), wording, template)  # type: ignore[arg-type]
        assert "{" not in said and said[0] == said[0].upper()
        if language == "fr":
            assert not any(f" {mark}" in said for mark in ";!?:»"), said
