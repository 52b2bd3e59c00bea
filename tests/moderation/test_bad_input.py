"""What nobody means well by: rubbish in every form, Flags that lie, letters without end, floods.

The tables of pages and endpoints are walked as they are, so that a new one is covered without a word here.
"""

import asyncio
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roseau.api import ROUTES as API
from roseau.app import create_app
from roseau.domain.accounts.sessions import open_session
from roseau.domain.moderation.cases.queue import list_cases
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.kernel.errors import RoseauError
from roseau.web.console import guard
from roseau.web.pages import appeals, notices, record, report, transparency
from roseau.web.routes import ROUTES
from tests.api.driving import Answer, Attempt, ask
from tests.api.rubbish import attempts as endpoint_attempts
from tests.api.rubbish import scalars
from tests.api.test_bad_input import attack as attack_endpoint
from tests.doors.bodies import FORM, MULTIPART, multipart, part
from tests.moderation.acting import make_moderator, make_post, rows, value
from tests.moderation.acting import report as send_report
from tests.moderation.test_letters import letter
from tests.moderation.world import World
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

#: How often each page is asked; what differs between the databases needs fewer.
EXAMPLES = {"sqlite": 12, "postgresql": 4}
#: Digits that are none, days that have none beside them, and what a form of ours holds.
TRAPS = [
    "\u00b2", "\u0663", "9" * 5000, "0001-01-01", "9999-12-31", "2026-11-22T25:00", "rule:\u00b2", "rule:1",
    "law", "\u00b2:00", "8:\u00b2", "8:30", "a@b\r\nBcc: c@d", "1", "6", "true", "granted", "partly",
    "comply",
]  # fmt: skip
FILES = [b"", b"GIF89a" + bytes(90), b"From: a@b\n\nx"]
#: The inside of the server, which no page shows.
INSIDE = re.compile(rb"Traceback|File \"|psycopg|apsw|sqlite|sqlalchemy|msgspec|starlette|SELECT \w+")
_ASKED = re.compile(r"""(?:field_of\(request, |params\.get\(|asked\.get\(|form\.get\()"(\w+)["\]]""")


class Page(msgspec.Struct, frozen=True):
    """A route of pages, with the fields that its module reads."""

    method: str
    path: str
    fields: tuple[str, ...]


def pages(kind: str) -> list[Page]:
    """Every page of the console, or every one of moderation for members and all."""
    members = {
        route.path for module in (appeals, notices, record, report, transparency) for route in module.routes
    }
    found = []
    for route in ROUTES:
        of_console = route.path == guard.ROOT or route.path.startswith(f"{guard.ROOT}/")
        if of_console if kind == "console" else route.path in members:
            module = sys.modules[route.endpoint.__module__]
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            found.append(Page(method, route.path, names_in(module)))
    return found


def names_in(module: Any) -> tuple[str, ...]:
    """The names of fields that a module speaks of."""
    found = dict.fromkeys(_ASKED.findall(inspect.getsource(module)))
    for struct in vars(module).values():
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
            for field in msgspec.structs.fields(struct):
                found |= dict.fromkeys((field.name, f"{field.name}[]"))
    usual = (
        "item[]",
        "keep[]",
        "from_0",
        "until_0",
        "confirmed",
        "which",
        "after",
        "media[]",
        "file",
        "name",
    )
    return (*found, *usual)


@st.composite
def page_attempts(draw: st.DrawFn, page: Page, ids: list[int], cookie: str, csrf: str) -> Attempt:
    """A request to this page, as a browser that somebody has taken apart would send it."""
    values = st.sampled_from(TRAPS) | scalars(ids).map(str)
    pairs = draw(st.lists(st.tuples(st.sampled_from(page.fields), values), max_size=8))
    headers = [(b"cookie", f"__Host-session={cookie}".encode())]
    body = b""
    if page.method == "POST" and draw(st.booleans()):
        body = urlencode([("csrf", csrf), *pairs], errors="surrogatepass").encode()
        headers.append((b"content-type", FORM.encode()))
    elif page.method == "POST":
        parts = [part("csrf", csrf.encode())]
        parts += [part(name, value_.encode(errors="replace")) for name, value_ in pairs]
        if draw(st.booleans()):
            parts.append(part("file", draw(st.sampled_from(FILES)), "../x"))
        body = multipart(*parts)
        headers.append((b"content-type", MULTIPART.encode()))
    query = b"" if page.method == "POST" else urlencode(pairs, errors="surrogatepass").encode()
    path = page.path
    while "{" in path:
        before, _, rest = path.partition("{")
        value_ = draw(st.sampled_from([str(one) for one in ids] * 3 + ["1", "2"]) | values)
        path = before + value_.replace("/", "")[:60] + rest.partition("}")[2]
    return Attempt(method=page.method, path=path, query=query, headers=headers, body=body)


def check(attempt: Attempt, answer: Answer) -> None:
    """A page with a sentence, whatever was wrong, and nothing of the inside of the server."""
    assert 200 <= answer.status < 500, (attempt, answer)
    assert not INSIDE.search(answer.body), (attempt, answer)
    if answer.status >= 400:
        assert answer.headers["content-type"].startswith("text/html"), (attempt, answer)
        words = re.sub(rb"<[^>]+>", b" ", answer.body.partition(b"<main")[2] or answer.body)
        assert len(words.split()) > 3, (attempt, answer)


@pytest.mark.parametrize(("kind", "role"), [
    ("console", "owner"), ("members", "author"), ("members", "reviewer"), ("members", "suspended"),
])  # fmt: skip
def test_rubbish_is_answered_with_a_sentence(
    server: Any, cast: Any, database_kind: str, kind: str, role: str
) -> None:
    world = World(server, cast)
    ids = known_ids(world)
    app = create_app(server, start_worker=False)
    member = world.people[role]
    assert member
    cookie = server.database.write_now(open_session, member.id, "Test browser")
    with asyncio.Runner() as runner:
        headers = [(b"cookie", f"__Host-session={cookie}".encode())]
        about = runner.run(ask(app, Attempt(method="GET", path="/record", headers=headers)))
        csrf = re.search(rb'name="csrf" value="([^"]+)"', about.body)
        assert csrf
        reached: set[Page] = set()
        for page in pages(kind):
            rubbish = page_attempts(page, ids, cookie, csrf[1].decode())
            answers = run(runner, app, rubbish, EXAMPLES[database_kind])
            if answers & {200, 303, 422}:
                reached.add(page)
    # The form was ours, and the doors were open: what answered was the page.
    assert 3 * len(reached) > len(pages(kind))


def known_ids(world: World) -> list[int]:
    """Something of everything."""
    return [
        world.case, world.appeal_case, world.proposal_case, world.decision, world.post_id, world.snapshot_id,
        world.notice_id, world.appeal_id, world.letter_id or 0, world.order_id, *world.letter_items,
        world.proposal_id, world.id_of("author"), world.id_of("moderator"),
    ]  # fmt: skip


def run(runner: asyncio.Runner, app: Any, rubbish: st.SearchStrategy[Attempt], examples: int) -> set[int]:
    """Ask one page many bad questions; what came back."""
    seen: set[int] = set()

    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(rubbish)
    def ask_badly(attempt: Attempt) -> None:
        answer = runner.run(ask(app, attempt))
        seen.add(answer.status)
        check(attempt, answer)

    ask_badly()
    return seen


def test_rubbish_of_the_team_is_answered_by_the_endpoints(server: Any, cast: Any, database_kind: str) -> None:
    """The walk over all endpoints is Ada's, who is refused at these; here somebody gets in."""
    world = World(server, cast)
    app = create_app(server, start_worker=False)
    token = cast.token(cast.olga, "read write admin:read admin:write")["Authorization"][len("Bearer ") :]
    with asyncio.Runner() as runner:
        for route in API:
            if "/admin/" in route.path or "/moderation/" in route.path or "/reports" in route.path:
                rubbish = endpoint_attempts(route, known_ids(world), token)
                attack_endpoint(runner, app, rubbish, EXAMPLES[database_kind])


@pytest.mark.parametrize(("path", "fields"), [
    ("/moderation/team/rest", {"days": "\u00b2"}),
    ("/moderation/team/rest", {"days": "9" * 5000}),
    ("/moderation/team/duties", {"from_0": "\u00b2:00", "until_0": "9:00"}),
    ("/moderation/cases/1/work/wait", {"hours": "\u00b2", "text": "Later."}),
    ("/moderation/cases/1/decide", {"rule": "rule:\u00b2", "measure": "2", "facts": "So it is."}),
    ("/moderation/audit?day=0001-01-01", None),
    ("/moderation/audit?day=9999-12-31", None),
])  # fmt: skip
async def test_digits_and_days_that_are_none(
    client: Any, server: Any, cast: Any, path: str, fields: dict[str, str] | None
) -> None:
    send_report(server, cast.ada, make_post(server, cast.bob))
    browser = Browser(client, server).sign_in(cast.join("mona", role="moderator"))
    await browser.get("/moderation")
    answer = await (browser.get(path) if fields is None else browser.submit(path, **fields))
    assert answer.status_code < 500


# Flags of other servers, and what else comes in

LIES: dict[str, dict[str, Any]] = {
    "no words and no address": {},
    "a script for an address": {"uris": ("javascript:alert(1)", "data:text/html,<script>", "\0")},
    "halves of characters": {"uris": ("https://\ud800.example/",), "comment": "\ud800\0\u202e"},
    "an address without end": {"uris": ("https://far.example/" + "a" * 100_000,)},
    "more addresses than a letter has": {"uris": tuple(f"https://far.example/{n}" for n in range(10_001))},
    "posts that are not there": {"status_ids": (1, 2**62)},
    "somebody who is not there": {"target_account_id": 2**40, "uris": ("https://roseau.test/@nobody",)},
    "rules that are not": {"rule_ids": (1, 2, 3)},
    "a reason of its own": {"reason": "<b>treason</b>"},
    "a book": {"comment": "x" * 200_000},
    "the same thing a thousand times": {"uris": ("https://roseau.test/@bob",) * 1_000},
    "a language that is none": {"language": "<script>" * 50},
    "from the future": {"received_at": 2**62},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_flag_that_lies_is_taken_or_refused(
    client: Any, server: Any, cast: Any, worker: Any, lie: str
) -> None:
    """Either it is a notice that can be looked at, or nothing of it stays; the queue opens after both."""
    send_report(server, cast.ada, make_post(server, cast.bob, "what is real"), reason="threat")
    draft = NoticeDraft(**{"channel": "ap_flag", "source": "far.example"} | LIES[lie])
    try:
        filed = server.database.write_now(file_notice, server.site, draft)
    except RoseauError as error:
        assert error.status in (403, 404, 422) and str(error)
        assert value(server, "SELECT count(*) FROM notices") == 1
        filed = None
    await worker.settle()
    mona = make_moderator(cast)
    browser = Browser(client, server).sign_in(mona)
    page = await browser.get("/moderation")
    assert page.status_code == 200 and "what is real" in page.text
    for (number,) in rows(server, "SELECT number FROM cases"):
        case = await browser.get(f"/moderation/cases/{number}")
        assert case.status_code == 200
        assert "<script>alert" not in case.text and 'href="javascript:' not in case.text
    if filed is not None:
        assert value(server, "SELECT count(*) FROM notice_items WHERE case_id IS NULL") == 0


async def test_flags_of_one_server_stand_together_and_what_is_real_stands_first(
    client: Any, server: Any, cast: Any, at: Callable[[float], None]
) -> None:
    posts = [make_post(server, cast.bob, f"post {number}") for number in range(60)]
    for post in posts:
        uris = (f"https://roseau.test/@bob/{post}",)
        draft = NoticeDraft(channel="ap_flag", reason="spam", source="far.example", uris=uris)
        server.database.write_now(file_notice, server.site, draft)
    real = send_report(server, cast.ada, posts[-1], reason="threat")
    mona = make_moderator(cast)
    lines = server.database.read_now(list_cases, mona.id, "todo")
    assert len(lines) <= 22 and lines[0].id == real.case_ids[0]
    assert sum(line.about == "flood" for line in lines) == 1
    assert value(server, "SELECT count(*) FROM notice_items WHERE case_id IS NOT NULL") == 61
    assert value(server, "SELECT max(sources_count) FROM cases WHERE subject LIKE :like", like="flood:%") == 1


async def test_a_letter_of_ten_thousand_addresses_leaves_the_desk_usable(
    client: Any, server: Any, cast: Any, worker: Any
) -> None:
    real = make_post(server, cast.bob, "what is real")
    lines = [f"https://roseau.test/@bob/{117_661_131_014_999_513 + number}" for number in range(9_999)]
    lines.insert(5_000, f"https://roseau.test/@bob/{real}")
    server.database.write_now(receive_mail, server.site, letter("\n".join(lines)))
    await worker.settle()
    assert value(server, "SELECT count(*) FROM notice_items") == 10_000
    assert value(server, "SELECT count(*) FROM notice_items WHERE status_id IS NOT NULL") == 1
    # In portions that a person can answer, all with the deadline of the one mail.
    assert value(server, "SELECT count(*) FROM cases WHERE subject LIKE :like", like="letter:%") == 20
    letter_id = value(
        server,
        "SELECT host_letters.id FROM host_letters JOIN notice_items"
        " ON notice_items.notice_id = host_letters.notice_id WHERE notice_items.status_id IS NOT NULL",
    )
    browser = Browser(client, server).sign_in(make_moderator(cast))
    for where in ("/moderation", "/moderation/cases/1", "/moderation/letters"):
        assert (await browser.get(where)).status_code == 200
    page = await browser.get(f"/moderation/letters/{letter_id}")
    assert page.status_code == 200 and str(real) in page.text


async def test_hostile_words_stay_words(client: Any, server: Any, cast: Any, worker: Any) -> None:
    """HTML in a comment, a mail, the name of an attachment and a contact is shown as it was written."""
    evil = '<img src=x onerror=alert(1)><script>alert(2)</script>"><b>'
    post = make_post(server, cast.bob)
    send_report(server, None, post, comment=evil, contact=(evil, "eve@far.example"), source="a")
    mail = (
        f"From: {evil} <eve@far.example>\nSubject: {evil}\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        f"{evil} https://roseau.test/@bob/{post}\n--b\nContent-Type: image/png\n"
        f'Content-Disposition: attachment; filename="{evil}.exe"\n\nMZ\n--b--\n'
    ).encode()
    server.database.write_now(receive_mail, server.site, mail)
    server.database.write_now(receive_mail, server.site, letter(evil, subject=evil))
    await worker.settle()
    browser = Browser(client, server).sign_in(make_moderator(cast))
    where = ["/moderation", "/moderation/letters"]
    where += [f"/moderation/cases/{row[0]}" for row in rows(server, "SELECT number FROM cases")]
    where += [f"/moderation/letters/{row[0]}" for row in rows(server, "SELECT id FROM host_letters")]
    said = ""
    for path in where:
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text and "<img src=x" not in page.text, path
        said += text_of(page)
    assert "onerror=alert(1)" in said


async def test_an_address_with_a_line_break_sends_no_mail_elsewhere(
    client: Any, server: Any, cast: Any, worker: Any
) -> None:
    post = make_post(server, cast.bob)
    browser = Browser(client, server)
    answer = await browser.submit(
        "/report/notice", on="/report/notice", urls=f"https://roseau.test/@bob/{post}", reason="harassment",
        comment="It is bad.", name="Eve\r\nBcc: victim@far.example", good_faith="1",
        email="eve@far.example\r\nBcc: victim@far.example",
    )  # fmt: skip
    assert answer.status_code in (303, 422)
    await worker.settle()
    for path in (server.folder / "mail").glob("*.eml"):
        head = path.read_bytes().partition(b"\n\n")[0].lower()
        assert b"\nbcc:" not in head and b"victim" not in head
    assert value(server, "SELECT count(*) FROM jobs WHERE attempts > 0") == 0
