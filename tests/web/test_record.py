"""The moderation record: what was decided, the sealed copy, the appeal; for suspended members, too."""

from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.cases.asking import ask
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.site import choose
from roseau.kernel import clock
from tests.media.pictures import draw, encode
from tests.moderation.acting import make_moderator, make_post, report, rows, value
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

WORDS = "He lives at 12 Mill Lane, do drop by tonight"


class Judged:
    """Ada, whose post was removed by Mona after Bob's report."""

    def __init__(self, server: Any, cast: Any, kind: str = "remove", **measure: Any) -> None:
        self.mona = make_moderator(cast)
        self.milo = make_moderator(cast, "milo")
        self.post_id = make_post(server, cast.ada, WORDS)
        filed = report(server, cast.bob, self.post_id, reason="private_data", comment="my address")
        about = {"status_id": self.post_id} if kind == "remove" else {"account_id": cast.ada.id}
        draft = DecisionDraft(
            ground="law",
            law="Article 226-1 of the penal code",
            facts="The post gave somebody's address.",
            measures=(MeasureDraft(kind=kind, **about, **measure),),  # type: ignore[arg-type]
        )
        self.decided = server.database.write_now(decide, server.site, self.mona.id, filed.case_ids[0], draft)

    @property
    def where(self) -> str:
        """The page of the decision in the record."""
        return f"/record/{self.decided.number}"


@pytest.fixture
async def judged(server: Any, cast: Any, browser: Browser, worker: Any, at: Any) -> Judged:
    """The decision is half a minute old, and Ada is told."""
    browser.sign_in(cast.ada)
    judged = Judged(server, cast)
    at(40)
    await worker.settle()
    return judged


async def test_an_empty_record(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    assert "nothing to reproach you with" in text_of(await browser.get("/record"))


async def test_nobody_reads_it_before_the_undo_is_over(browser: Browser, cast: Any, server: Any) -> None:
    browser.sign_in(cast.ada)
    early = Judged(server, cast)
    assert "Mill Lane" not in text_of(await browser.get("/record"))
    assert (await browser.get(early.where)).status_code == 404


async def test_the_record_says_why(browser: Browser, judged: Judged, cast: Any) -> None:
    assert "Appeal possible until" in text_of(await browser.get("/record"))
    page = await browser.get(judged.where)
    said = text_of(page)
    for words in (
        "The post gave somebody's address.",
        "Article 226-1 of the penal code",
        "Your post is taken down",
        "A moderator.",
        "Reports, whose senders are protected.",
        "What did we get wrong?",
    ):
        assert words in said.replace("’", "'"), words
    for name in ("bob", "mona", "my address"):
        assert name not in page.text


async def test_only_its_owner_reads_it(browser: Browser, judged: Judged, cast: Any) -> None:
    browser.sign_in(cast.bob)
    assert (await browser.get(judged.where)).status_code == 404
    assert (await browser.get(f"{judged.where}/copy")).status_code == 404


async def test_the_own_copy(browser: Browser, judged: Judged, cast: Any) -> None:
    assert WORDS in text_of(await browser.get(f"{judged.where}/copy"))
    assert (await browser.get(f"/@ada/{judged.post_id}")).status_code in (404, 410)


async def test_an_appeal_with_a_picture(browser: Browser, judged: Judged, server: Any, worker: Any) -> None:
    empty = await browser.submit(f"{judged.where}/appeal", on=judged.where, text="")
    assert empty.status_code == 422 and "Say what we got wrong" in text_of(empty)
    sent = await browser.submit(
        f"{judged.where}/appeal",
        on=judged.where,
        text="It is the town hall's address.",
        **{"media[]": ("map.jpg", encode(draw(64, 48), "JPEG"), "image/jpeg")},
    )
    assert (sent.status_code, sent.headers["location"]) == (303, judged.where)
    assert len(rows(server, "SELECT media_id FROM appeal_media")) == 1
    page = text_of(await browser.get(judged.where))
    assert "Your appeal" in page and "You will have an answer by" in page
    again = await browser.submit(f"{judged.where}/appeal", on="/record", text="Again")
    assert again.status_code == 422


async def test_the_download(browser: Browser, judged: Judged) -> None:
    answer = await browser.get("/record.json")
    assert "attachment" in answer.headers["content-disposition"]
    taken = msgspec.json.decode(answer.content)
    assert taken["decisions"][0]["number"] == judged.decided.number
    assert "bob" not in answer.text and "mona" not in answer.text


async def test_somebody_suspended_has_the_record_and_nothing_else(
    browser: Browser, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    browser.sign_in(cast.ada)
    judged = Judged(server, cast, "suspend", until_at=clock.now() + 30 * clock.DAY)
    at(40)
    await worker.settle()
    home = await browser.get("/home")
    assert (home.status_code, home.headers["location"]) == (303, "/record")
    assert "Your account is suspended" in text_of(await browser.get("/record"))
    page = await browser.get(judged.where)
    assert page.status_code == 200 and 'href="/notifications"' not in page.text
    sent = await browser.submit(f"{judged.where}/appeal", on=judged.where, text="It was not me.")
    assert sent.status_code == 303
    assert value(server, "SELECT appellant FROM appeals") == "author"
    refused = await browser.submit("/statuses", on="/record", text="I am back", step="post")
    assert refused.status_code in (303, 403)
    assert not rows(server, "SELECT id FROM statuses WHERE text = 'I am back'")


async def test_a_question_of_the_team(browser: Browser, cast: Any, server: Any) -> None:
    mona = make_moderator(cast)
    filed = report(server, cast.bob, make_post(server, cast.ada, WORDS), reason="harassment")
    server.database.write_now(ask, server.site, mona.id, filed.case_ids[0], cast.ada.id, "Is it your house?")
    browser.sign_in(cast.ada)
    page = await browser.get("/record")
    assert "Is it your house?" in text_of(page) and "mona" not in page.text
    question_id = value(server, "SELECT id FROM case_events WHERE kind = 'asked'")
    where = f"/record/questions/{question_id}"
    assert (await browser.submit(where, on="/record", text=" ")).status_code == 422
    assert (await browser.submit(where, on="/record", text="It is the town hall.")).status_code == 303
    assert "It is the town hall." in text_of(await browser.get("/record"))
    browser.sign_in(cast.bob)
    assert (await browser.submit(where, on="/record", text="I answer for her")).status_code == 404


async def test_the_outside_reviewer(browser: Browser, cast: Any, server: Any, worker: Any, at: Any) -> None:
    """One moderator, who may not refuse alone: somebody outside reads it, and nobody else sees that page."""
    mona = make_moderator(cast)
    server.database.write_now(choose, None, outside_reviewer_id=cast.rita.id)
    post_id = make_post(server, cast.ada, WORDS)
    filed = report(server, cast.bob, post_id, reason="harassment")
    draft = DecisionDraft(
        ground="law",
        law="A law",
        facts="The post gave somebody's address.",
        measures=(MeasureDraft(kind="remove", status_id=post_id),),
    )
    decided = server.database.write_now(decide, server.site, mona.id, filed.case_ids[0], draft)
    at(40)
    await worker.settle()
    browser.sign_in(cast.ada)
    await browser.submit(f"/record/{decided.number}/appeal", on=f"/record/{decided.number}", text="No.")
    where = f"/appeals/{value(server, 'SELECT id FROM appeals')}"
    assert (await browser.get(where)).status_code == 404
    browser.sign_in(cast.rita)
    page = text_of(await browser.get(where))
    assert "Mill Lane" in page and "bob" not in page and "mona" not in page
    looks = rows(server, "SELECT account_id FROM evidence_looks")
    assert [row[0] for row in looks] == [cast.rita.id]
    refused = await browser.submit(where, on=where, outcome="refused", reasons="")
    assert refused.status_code == 422
    done = await browser.submit(where, on=where, outcome="granted", reasons="It is a public address.")
    assert done.status_code == 303
    await worker.settle()
    assert (await browser.get(f"/@ada/{post_id}")).status_code == 200
    assert (await browser.get(where)).status_code == 404
