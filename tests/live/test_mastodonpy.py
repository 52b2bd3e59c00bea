"""Mastodon.py, a client that many bots are made with, on a server in a process of its own."""

import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mastodon import Mastodon, MastodonAPIError, MastodonIllegalArgumentError, MastodonUnauthorizedError
from PIL import Image

from tests.cli.running import ok, serving
from tests.live.listening import eventually, listening
from tests.live.signing_in import ask_for_code, log_in, redeem, register
from tests.servers import postgresql

PASSWORD = "a lamp by the window"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The setting `database`: empty for SQLite, else a database that holds nothing yet."""
    if request.param == "sqlite":
        yield ""
        return
    name = f"live_{secrets.token_hex(4)}"
    yield postgresql.create_database(postgresql.shared(), name)
    postgresql.drop_database(postgresql.shared(), name)


@pytest.fixture(scope="module")
def address(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is, which Ada and Bob have joined."""
    data = tmp_path_factory.mktemp("live") / "data"
    with serving(data, database=database) as served:
        for name in ("ada", "bob"):
            join(data, name)
        yield served.address


def join(data: Path, name: str) -> None:
    """Makes an account, through the server that runs."""
    words = (
        "account",
        "create",
        name,
        "--email",
        f"{name}@client.test",
        "--password-stdin",
        "--discoverable",
    )
    ok(*words, "--data", data, stdin=PASSWORD + "\n")


@pytest.fixture(scope="module")
def ada(address: str) -> Mastodon:
    """Ada's client."""
    return log_in(address, "ada", PASSWORD)


@pytest.fixture(scope="module")
def bob(address: str, ada: Mastodon) -> Mastodon:
    """Bob's client. He follows Ada."""
    client = log_in(address, "bob@client.test", PASSWORD)
    assert client.account_follow(ada.me().id).following
    return client


def ids(page: Any) -> list[Any]:
    """The ids on a page, in its order."""
    return [item.id for item in page]


def told(client: Mastodon, kind: str, status: Any) -> Any:
    """The notification of this kind about a post, once it is there."""

    def ask() -> list[Any]:
        return [found for found in client.notifications(types=[kind]) if found.status.id == status.id]

    return eventually(ask)[0]


def test_an_application_is_let_in_and_gives_its_token_back(address: str) -> None:
    client = register(address)
    code, verifier = ask_for_code(client, "ada", PASSWORD)
    with pytest.raises(MastodonIllegalArgumentError):
        redeem(client, code, verifier[::-1])
    redeem(client, *ask_for_code(client, "ada", PASSWORD))
    assert client.me().username == "ada"
    assert client.app_verify_credentials().name == "Reading lamp"
    assert client.verify_minimum_version("4.6.0")
    lost = Mastodon(access_token=client.access_token, api_base_url=address)
    client.revoke_access_token(allow_http=True)
    with pytest.raises(MastodonUnauthorizedError):
        lost.account_verify_credentials()


def test_a_post_with_a_picture(ada: Mastodon, bob: Mastodon) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (64, 48), "seagreen").save(drawn, "PNG")
    picture = ada.media_post(
        drawn.getvalue(), mime_type="image/png", description="A field", focus=(0.5, -0.25), synchronous=True
    )
    posted = ada.status_post("Look at this", media_ids=[picture], sensitive=True, language="en")
    (seen,) = bob.status(posted).media_attachments
    assert (seen.type, seen.description, seen.meta.original.size) == ("image", "A field", "64x48")
    assert (seen.meta.focus.x, seen.meta.focus.y) == (0.5, -0.25)
    fetched = requests.get(seen.url, timeout=20)
    with Image.open(io.BytesIO(fetched.content)) as image:
        assert image.size == (64, 48)
    with pytest.raises(MastodonAPIError):
        ada.status_post("And once more", media_ids=[picture])


def test_a_poll(ada: Mastodon, bob: Mastodon) -> None:
    asked = ada.status_post("What is for tea?", poll=ada.make_poll(["Scones", "Toast"], 3600))
    assert [option.votes_count for option in asked.poll.options] == [0, 0]
    voted = bob.poll_vote(asked.poll, 1)
    assert (voted.voted, voted.own_votes, voted.votes_count) == (True, [1], 1)
    with pytest.raises(MastodonAPIError):
        bob.poll_vote(asked.poll, 0)
    assert [option.votes_count for option in ada.poll(asked.poll).options] == [0, 1]


def test_an_edit(ada: Mastodon, bob: Mastodon) -> None:
    posted = ada.status_post("The trian is late", spoiler_text="Travel")
    edited = ada.status_update(posted, "The train is late", spoiler_text="Travel")
    assert edited.id == posted.id and edited.edited_at is not None
    assert bob.status(posted).content == "<p>The train is late</p>"
    versions = [version.content for version in bob.status_history(posted)]
    assert versions == ["<p>The trian is late</p>", "<p>The train is late</p>"]
    assert ada.status_source(posted).text == "The train is late"


def test_a_reply_reaches_whom_it_answers(ada: Mastodon, bob: Mastodon) -> None:
    asked = ada.status_post("Who has the ladder?")
    reply = bob.status_reply(asked, "I do")
    assert (reply.in_reply_to_id, reply.in_reply_to_account_id) == (asked.id, asked.account.id)
    assert told(ada, "mention", reply).account.username == "bob"
    assert ids(ada.status_context(asked).descendants) == [reply.id]
    assert ids(bob.status_context(reply).ancestors) == [asked.id]
    assert ada.status(asked).replies_count == 1


def test_a_boost_and_a_favourite_are_counted_and_told(ada: Mastodon, bob: Mastodon) -> None:
    posted = ada.status_post("The bees are back")
    boost = bob.status_reblog(posted)
    assert (boost.reblog.id, boost.reblog.reblogged) == (posted.id, True)
    assert bob.status_favourite(posted).favourited
    for kind in ("reblog", "favourite"):
        assert told(ada, kind, posted).account.username == "bob"
    seen = ada.status(posted)
    assert (seen.reblogs_count, seen.favourites_count) == (1, 1)
    assert [account.username for account in ada.status_reblogged_by(posted)] == ["bob"]
    assert posted.id in ids(bob.favourites())
    bob.status_unreblog(posted)
    bob.status_unfavourite(posted)
    seen = ada.status(posted)
    assert (seen.reblogs_count, seen.favourites_count) == (0, 0)


def test_timelines_are_read_page_by_page(ada: Mastodon, bob: Mastodon) -> None:
    posted = [ada.status_post(f"Step {number} #staircase").id for number in range(5)]
    newest_first = posted[::-1]
    assert ids(bob.timeline_hashtag("staircase")) == newest_first
    assert ids(bob.timeline_local(limit=5)) == newest_first
    eventually(lambda: ids(bob.timeline_home(limit=5)) == newest_first)
    page = bob.timeline_home(limit=2)
    assert ids(page) == newest_first[:2]
    following = bob.fetch_next(page)
    assert ids(following) == newest_first[2:4]
    assert ids(bob.fetch_previous(following)) == newest_first[:2]
    everything = bob.fetch_remaining(bob.timeline_hashtag("staircase", limit=2))
    assert ids(everything) == newest_first
    assert ids(bob.timeline_home(since_id=posted[2])) == newest_first[:2]
    assert ids(bob.timeline_home(min_id=posted[0], limit=2)) == posted[2:0:-1]


def test_search_finds_people_hashtags_and_words(ada: Mastodon, bob: Mastodon) -> None:
    posted = ada.status_post("Marmalade season #oranges")
    eventually(lambda: ids(bob.search("marmalade").statuses) == [posted.id])
    assert ids(bob.search(posted.url, resolve=True, result_type="statuses").statuses) == [posted.id]
    assert [tag.name for tag in bob.search("#orang").hashtags] == ["oranges"]
    assert [account.username for account in bob.account_search("ADA")] == ["ada"]
    assert bob.account_lookup("ada").id == ada.me().id


def test_the_stream_tells_what_happens(ada: Mastodon, bob: Mastodon) -> None:
    with listening(bob) as stream:
        posted = ada.status_post("The kettle is on")
        assert stream.heard("update", lambda status: status.id == posted.id).account.username == "ada"
        mention = ada.status_post("@bob is it yours?")
        told_of_it = stream.heard("notification", lambda found: found.status.id == mention.id)
        assert told_of_it.type == "mention"
        ada.status_update(mention, "@bob it is yours")
        assert stream.heard("status.update", lambda status: status.id == mention.id).edited_at
        ada.status_delete(mention)
        assert str(stream.heard("delete")) == str(mention.id)
