"""The pages of moderation under axe-core, for each of those who read them: see `test_axe.py` for how."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from roseau.domain.accounts.preferences import set_language
from roseau.domain.accounts.sessions import open_session
from roseau.domain.moderation.appeals.answering import answer_appeal
from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.cases.asking import ask
from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.site import choose
from roseau.kernel import clock
from tests.conftest import Cast, Member
from tests.moderation.acting import against, decide_on, make_post, remove, report, value
from tests.moderation.test_letters import letter
from tests.servers.living import Living, living_site
from tests.web.test_axe import LANGUAGES, chromium, look

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

PATIENCE = 20.0

#: What each of them reads; the names in braces are made in `_fill`.
PAGES: dict[str, tuple[str, ...]] = {
    "visitor": (
        "/report/notice", "/report/notice?url=https%3A//example.org/1", "/notices/{decided}", "/decisions",
        "/decisions?ground=law&measure=remove", "/decisions/{removal}", "/decisions/{reversed}",
        "/transparency", "/about/contact", "/about/servers", "/rules", "/terms",
    ),
    "rita": (
        "/report?status={up}", "/report?account={ada}", "/report/quiet?account={ada}", "/notices",
        "/notices/{decided}", "/notices/{received}?fresh=1", "/report/notice",
    ),
    "ada": (
        "/record", "/record/{removal}", "/record/{removal}/copy", "/record/{appealed}", "/record/{reversed}",
        "/notifications",
    ),
    "sven": ("/record", "/record/{suspension}"),
    "oda": ("/appeals/{outside}",),
    "mona": (
        "/moderation/letters", "/moderation/letters/{letter}", "/moderation/orders/new",
        "/moderation/orders/{order}", "/moderation/appeals", "/moderation/cases/{appeal_case}",
        "/moderation/cases/{proposal}", "/moderation/servers", "/moderation/team", "/settings/site/legal",
        "/moderation/open", "/moderation/open?status={up}", "/moderation/blocks?try=me%40example.org",
        "/moderation/flaggers", "/moderation/misuse/notifier/{wolf}", "/moderation/people/{wolf}",
    ),
    "milo": ("/moderation/cases/{proposal}", "/moderation/cases/{appeal_case}"),
}  # fmt: skip

#: What a form answers: who, where it is, which fields are filled, and what is pressed.
ANSWERS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "a report without a reason": ("rita", "/report?status={up}", {}, "main form.fields-form button.btn"),
    "an empty notice": ("visitor", "/report/notice", {}, "main form.fields-form button"),
    "an empty appeal": ("ada", "/record/{removal}", {}, "#appeal button.btn"),
    "a suspension asks once more": (
        "mona", "/moderation/cases/{open}", {"law": "Article 1", "facts": "He goes on."}, "[data-decide]"
    ),
    "an empty letter": ("mona", "/moderation/letters", {}, "main form[action='/moderation/letters'] button"),
    "an empty order": ("mona", "/moderation/orders/new", {}, "main form[action='/moderation/orders'] button"),
    "items without facts": (
        "mona", "/moderation/letters/{letter}", {}, "button[name=answer][value=comply]"
    ),
    "an appeal without reasons": ("oda", "/appeals/{outside}", {}, "form[action^='/appeals/'] button"),
}  # fmt: skip


class Stage(msgspec.Struct):
    """A site on which things were judged, and browsers to look at it with."""

    site: Living
    names: dict[str, str]
    people: dict[str, Member]
    pages: dict[str, Page]

    def read(self, who: str, language: str) -> Page:
        """Somebody's page, in a language."""
        page = self.pages[who]
        page.context.add_cookies([{"name": "locale", "value": language, "url": self.site.url}])
        if who in self.people:
            self.site.server.database.write_now(set_language, self.people[who].id, language)
        return page


def _fill(site: Living, people: dict[str, Member]) -> dict[str, str]:
    server = site.server
    database, here = server.database, server.site
    rita, ada, sven, oda, mona = (people[name] for name in ("rita", "ada", "sven", "oda", "mona"))
    database.write_now(lambda tx: choose(tx, None, outside_reviewer_id=oda.id))

    def judge(author: Member, *measures: Any, text: str = "Something bad") -> tuple[int, str, int]:
        """A post that is reported and judged: the case, the decision's number, and its id."""
        post = make_post(server, author, text, spoiler_text="Careful")
        case = report(server, rita, post, reason="private_data", comment="My address").case_ids[0]
        decided = decide_on(server, mona, case, *measures, remove(post))
        return case, str(decided.number), decided.decision_id

    def appeal(author: Member, decision_id: int) -> int:
        draft = AppealDraft(decision_id=decision_id, text="It is a quotation.", account_id=author.id)
        return database.write_now(file_appeal, here, draft)

    _, removal, _ = judge(ada)
    decided = value(server, "SELECT number FROM notices")
    _, reversed_number, reversed_id = judge(ada)
    _, appealed, appealed_id = judge(ada, against("limit", ada))
    until = clock.now() + 30 * clock.DAY
    _, suspension, _ = judge(sven, against("suspend", sven, until_at=until))
    clock.set_clock(lambda: time.time() + 40)
    _wait_until_told(site)
    answered = appeal(ada, reversed_id)
    database.write_now(answer_appeal, here, mona.id, answered, "granted", "We overlooked that.")
    # Nobody else is of the team yet: it goes to the reviewer from outside.
    outside = appeal(ada, appealed_id)
    people["milo"] = Cast(server).join("milo", role="moderator")
    up = make_post(server, ada, "Something else")
    received = report(server, rita, up, reason="harassment")
    database.write_now(ask, here, mona.id, received.case_ids[0], ada.id, "Whom did you mean by that?")
    waiting = make_post(server, people["bob"], "And another thing")
    proposed = report(server, rita, waiting, reason="hate").case_ids[0]
    decide_on(server, mona, proposed, against("suspend", people["bob"]))
    for _ in range(3):
        case = report(server, people["wulf"], make_post(server, ada)).case_ids[0]
        decide_on(server, mona, case, unfounded=True)
    open_case = report(server, rita, make_post(server, people["carl"]), reason="threat").case_ids[0]
    lines = [f"{site.url}/@ada/{up}", f"{site.url}/@bob/{waiting}", f"{site.url}/@nobody/1"]
    raw = letter("\n".join(["Within 24 hours:", *lines]), "abuse@hetzner.com")
    taken = database.write_now(receive_mail, here, raw)
    order = OrderDraft(kind="tco", authority="Pharos", text=lines[0])

    def number_of(case_id: int) -> str:
        return str(value(server, "SELECT number FROM cases WHERE id = :id", id=case_id))

    appeal_case = value(server, "SELECT case_id FROM appeals WHERE id = :id", id=outside)
    return {
        "ada": str(ada.id), "up": str(up), "removal": removal, "reversed": reversed_number,
        "appealed": appealed, "suspension": suspension, "outside": str(outside), "decided": decided,
        "received": received.number, "letter": str(taken.letter_id), "proposal": number_of(proposed),
        "order": str(database.write_now(file_order, here, mona.id, order)),
        "wolf": str(people["wulf"].id), "appeal_case": number_of(appeal_case), "open": number_of(open_case),
    }  # fmt: skip


@pytest.fixture(scope="module")
def stage(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The site half a minute after the last decision, when everybody has been told."""
    with living_site(tmp_path_factory.mktemp("axe-moderation")) as site:
        cast = Cast(site.server)
        people = {name: cast.join(name) for name in ("rita", "ada", "sven", "oda", "bob", "carl", "wulf")}
        people["mona"] = cast.join("mona", role="owner")
        names = _fill(site, people)
        clock.set_clock(lambda: time.time() + 80)
        _wait_until_told(site)
        pages = {"visitor": _page(chromium, site.url, "")}
        for name in PAGES:
            if name in people:
                token = site.server.database.write_now(open_session, people[name].id)
                pages[name] = _page(chromium, site.url, token)
        yield Stage(site, names, people, pages)
        clock.set_clock(None)


def _page(chromium: Browser, url: str, token: str) -> Page:
    context = chromium.new_context(base_url=url, color_scheme="light", reduced_motion="reduce")
    if token:
        context.add_cookies([{"name": "session", "value": token, "url": url}])
    return context.new_page()


def _wait_until_told(site: Living) -> None:
    until = time.monotonic() + PATIENCE
    sql = "SELECT count(*) FROM deliveries WHERE delivered_at IS NULL AND cancelled_at IS NULL"
    while value(site.server, sql):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("who", "path"), [(who, path) for who, paths in PAGES.items() for path in paths], ids=str
)
def test_a_page_is_for_everyone(stage: Stage, who: str, path: str, language: str) -> None:
    page = stage.read(who, language)
    answer = page.goto(path.format_map(stage.names))
    assert answer and answer.status == 200
    assert page.locator("html").get_attribute("lang") == language
    for details in page.locator("main details").all():
        details.evaluate("details => { details.open = true }")
    found = look(page, path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_form_answers_is_for_everyone(stage: Stage, name: str, language: str) -> None:
    who, path, fields, button = ANSWERS[name]
    page = stage.read(who, language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(path.format_map(stage.names))
    if "suspension" in name:
        page.locator("#f-rule").select_option("law")
        page.locator("[data-measure='6']").evaluate("radio => { radio.checked = true }")
    for field, words in fields.items():
        page.locator(f"[name={field}]").fill(words)
    with page.expect_navigation():
        # As a browser that knows nothing of fields that must be filled in.
        page.locator(button).first.evaluate(
            "button => { button.form.noValidate = true; button.form.requestSubmit(button) }"
        )
    assert page.locator("[aria-invalid=true], [role=alert], .summary, .danger").count() > 0
    found = look(page, name)
    assert not found, "\n".join(found)
