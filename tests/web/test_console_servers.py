"""Lists of servers in the console: a look before one is followed, the desk in one go, exceptions, files."""

import re
from typing import Any

import httpx2
import pytest

from roseau.domain.moderation.servers.permissions import list_all_domain_permissions
from tests.moderation.acting import rows, value
from tests.moderation.test_subscriptions import URL, List
from tests.network.guarded import make_client
from tests.web.cases import make_rule
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

HERE = "/moderation/servers"
LISTS = f"{HERE}/lists"
FILE = (
    "#domain,#severity,#public_comment\na.example,suspend,Bad\nb.example,silence,Spam\n*.c.example,suspend,\n"
)


@pytest.fixture
def desk(browser: Browser, server: Any, cast: Any) -> Browser:
    """Mona's browser, on a site with a rule."""
    make_rule(server)
    return browser.sign_in(cast.join("mona", role="moderator"))


@pytest.fixture
def theirs(server: Any) -> List:
    """A list of two servers."""
    found = List("a.example", "b.example")
    server.client = make_client(httpx2.MockTransport(found.answer))
    return found


def limited(server: Any) -> dict[str, str]:
    """What each server may do here."""
    every = server.database.read_now(list_all_domain_permissions)
    return {one.domain: one.severity for one in every}


def drafts_in(page: Any) -> list[str]:
    """The boxes of what waits."""
    return re.findall(r'name="item\[\]" value="(\d+)"', page.text)


def fields_in(page: Any, action: str) -> dict[str, str]:
    """The hidden fields of the form that leads to `action`."""
    form = page.text.partition(f'action="{action}"')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


async def test_a_list_is_looked_at_before_it_is_followed(
    desk: Browser, server: Any, theirs: List, worker: Any
) -> None:
    fields = {"uri": URL, "title": "Ours", "priority": "7", "severity": "silence", "as_draft": "1"}
    page = await desk.submit(f"{LISTS}/preview", on=LISTS, **fields, remove_retracted="0")
    said = text_of(page)
    assert "What “Ours” would change" in said and "a.example" in said and "Nothing has been done yet." in said
    assert value(server, "SELECT COUNT(*) FROM domain_permission_subscriptions") == 0
    sent = fields_in(page, LISTS)
    await desk.get(LISTS)
    answer = await desk.submit(LISTS, **{**sent, "csrf": desk.csrf})
    assert answer.status_code == 303
    found = rows(
        server,
        "SELECT uri, title, priority, severity, as_draft, remove_retracted"
        " FROM domain_permission_subscriptions",
    )
    assert [tuple(row) for row in found] == [(URL, "Ours", 7, "silence", True, False)]
    await worker.settle()
    assert limited(server) == {} and len(drafts_in(await desk.get(HERE))) == 2


async def test_what_is_wrong_with_a_list_is_said_in_a_sentence(
    desk: Browser, server: Any, theirs: List, worker: Any
) -> None:
    theirs.status = 404
    answer = await desk.submit(f"{LISTS}/preview", on=LISTS, uri=URL)
    assert answer.status_code == 422
    assert "The address of the list did not answer as it should." in text_of(answer)
    assert f'value="{URL}"' in answer.text
    answer = await desk.submit(f"{LISTS}/preview", uri="ftp://lists.example")
    assert answer.status_code == 422 and "A list has an address like" in text_of(answer)
    await desk.submit(LISTS, uri=URL, title="Ours")
    await worker.settle()
    for path in (LISTS, f"{LISTS}/{value(server, 'SELECT id FROM domain_permission_subscriptions')}"):
        said = text_of(await desk.get(path))
        assert "The address of the list did not answer as it should." in said
        assert "What follows from it stays as it is." in said
    # It is put right, and fetched again.
    theirs.status = 200
    assert (await desk.submit(f"{path}/fetch")).status_code == 303
    await worker.settle()
    assert "did not answer" not in text_of(await desk.get(path))
    answer = await desk.submit(path, uri=URL, title="Theirs", priority="900")
    assert answer.status_code == 422 and "A priority is a number between 0 and 255." in text_of(answer)
    assert (await desk.submit(path, uri=URL, title="Theirs", priority="9")).status_code == 303
    assert "Theirs" in text_of(await desk.get(HERE))
    assert (await desk.get(f"{LISTS}/1")).status_code == 404


async def test_what_waits_is_answered_in_one_go(
    desk: Browser, server: Any, theirs: List, worker: Any
) -> None:
    theirs.names = [f"s{number}.example" for number in range(14)]
    await desk.submit(LISTS, on=LISTS, uri=URL)
    await worker.settle()
    page = await desk.get(HERE)
    boxes = drafts_in(page)
    shown = re.findall(r'name="shown" value="([^"]+)"', page.text)[0]
    assert len(boxes) == 14 and shown.split(",") == boxes
    answer = await desk.submit(f"{HERE}/drafts", verdict="accept")
    assert answer.status_code == 422 and "Choose the servers that this is about" in text_of(answer)
    await desk.submit(f"{HERE}/drafts", **{"verdict": "exclude", "item[]": boxes[:2]})
    await desk.submit(f"{HERE}/drafts", **{"verdict": "discard", "item[]": boxes[2]})
    assert len(drafts_in(await desk.get(HERE))) == 11 and limited(server) == {}
    excluded = value(server, "SELECT COUNT(*) FROM domain_permission_excludes")
    assert excluded == 2
    # Many decisions at once are asked for once more; somebody else may have answered some meanwhile.
    page = await desk.submit(f"{HERE}/drafts", verdict="accept", all="1", shown=shown)
    assert "Do what the lists ask for with 14 servers?" in text_of(page)
    assert limited(server) == {}
    answer = await desk.submit(
        f"{HERE}/drafts", verdict="accept", all="1", shown=shown, confirmed="1", on=HERE
    )
    assert answer.status_code == 303
    assert len(limited(server)) == 11 and drafts_in(await desk.get(HERE)) == []
    assert (await desk.submit(f"{HERE}/drafts", **{"verdict": "sing", "item[]": "1"})).status_code == 404


async def test_no_list_touches_an_exception(desk: Browser, server: Any, theirs: List) -> None:
    assert (
        await desk.submit(f"{HERE}/excludes", on=LISTS, excluded="a.example", note="Friends")
    ).status_code == 303
    said = text_of(await desk.get(LISTS))
    assert "a.example" in said and "Friends" in said
    page = await desk.submit(f"{LISTS}/preview", uri=URL)
    assert "Left alone: no list touches them" in text_of(page)
    answer = await desk.submit(f"{HERE}/excludes", on=LISTS, excluded="not a name")
    assert answer.status_code == 422 and 'href="#f-excluded"' in answer.text
    assert (await desk.submit(f"{HERE}/excludes/lift", domain="a.example")).status_code == 303
    assert "Friends" not in text_of(await desk.get(LISTS))


async def test_a_file_is_looked_at_and_taken_in_and_another_given(desk: Browser, server: Any) -> None:
    await desk.get(LISTS)
    file = ("blocks.csv", FILE.encode(), "text/csv")
    page = await desk.submit(f"{HERE}/import", list_file=file, format="csv")
    said = text_of(page)
    assert "What the file would change" in said and "2 servers were read." in said
    assert "1 line was not understood." in said and "Bad" in said
    assert limited(server) == {}
    text = fields_in(page, f"{HERE}/import/take")["list"]
    answer = await desk.submit(f"{HERE}/import/take", on=LISTS, list=text, how="desk")
    assert answer.status_code == 303
    assert "2 servers wait for your eyes." in text_of(await desk.get(HERE))
    # Once more is not twice.
    await desk.submit(f"{HERE}/import/take", list=text, how="desk")
    assert len(drafts_in(await desk.get(HERE))) == 2
    await desk.submit(f"{HERE}/import/take", list=text, how="now")
    assert limited(server) == {"a.example": "suspend", "b.example": "silence"}
    assert drafts_in(await desk.get(HERE)) == []
    exported = await desk.get(f"{HERE}/export.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "a.example,suspend,False,False,Bad,False" in exported.text
    # What this site gives, it takes: nothing would change.
    page = await desk.submit(f"{HERE}/import", on=LISTS, list=exported.text)
    assert "It would change nothing." in text_of(page) and "decided here" in text_of(page)
    for fields in ({"list": " "}, {"list": "***"}, {"list": "[1", "format": "json"}):
        answer = await desk.submit(f"{HERE}/import", on=LISTS, **fields)
        assert answer.status_code == 422 and 'href="#f-list"' in answer.text, fields
