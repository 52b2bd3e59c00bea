"""Every door of moderation, tried by everybody: a table says who gets in, and a door without a row fails."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.routing import Route

from roseau.api import ROUTES as API
from roseau.web.console import guard
from roseau.web.pages import appeals, notices, record, report, transparency
from roseau.web.routes import ROUTES
from tests.moderation.world import EVERYBODY, TEAM, World
from tests.web.conftest import Browser

pytestmark = pytest.mark.anyio

#: Method, address, what one needs to hold, and of whose case it is: there, who is party gets in nowhere.
#: `appeal`: nor does who decided. `proposal`: nor does who proposed it.
CONSOLE = """
GET /moderation view_cases
GET /moderation/appeals view_cases
GET /moderation/closed view_cases
GET /moderation/list view_cases
GET /moderation/cases/{case} view_cases case
GET /moderation/cases/{case}/standing view_cases case
POST /moderation/cases/{case}/look view_cases case
GET /moderation/cases/{case}/media/{blob} view_cases case
POST /moderation/cases/{case}/open decide_cases case
POST /moderation/cases/{case}/work/ask decide_cases case
POST /moderation/cases/{case}/work/claim decide_cases case
POST /moderation/cases/{case}/work/release decide_cases case
POST /moderation/cases/{case}/work/note decide_cases case
POST /moderation/cases/{case}/work/hand_over decide_cases case
POST /moderation/cases/{case}/work/wait decide_cases case
POST /moderation/cases/{case}/work/resume decide_cases case
POST /moderation/cases/{case}/preview decide_cases case
POST /moderation/cases/{case}/decide decide_cases case
POST /moderation/cases/{proposal_case}/second/refuse decide_cases proposal
POST /moderation/decisions/{decision}/undo decide_cases case
POST /moderation/decisions/{decision}/take_back decide_cases case
GET /moderation/cases/{appeal_case} view_cases case
POST /moderation/cases/{appeal_case}/answer manage_appeals appeal
GET /moderation/letters manage_letters
POST /moderation/letters manage_letters
POST /moderation/letters/senders manage_settings
POST /moderation/letters/made manage_letters
GET /moderation/letters/{letter_id} manage_letters case
POST /moderation/letters/{letter_id}/items manage_letters case
POST /moderation/letters/{letter_id}/answered manage_letters case
GET /moderation/letters/{letter_id}/pack.csv manage_letters case
GET /moderation/orders/new manage_orders
POST /moderation/orders manage_orders
GET /moderation/orders/{order_id} manage_orders case
POST /moderation/orders/{order_id}/items manage_orders case
POST /moderation/orders/{order_id}/answer manage_orders case
POST /moderation/orders/{order_id}/pack manage_orders case
GET /moderation/people manage_users
GET /moderation/people/{id} manage_users
POST /moderation/people/{id}/approve manage_users
GET /moderation/misuse/notifier/{id} decide_cases
POST /moderation/misuse/notifier/{id} decide_cases
POST /moderation/cases/{case}/misuse decide_cases case
GET /moderation/open decide_cases
POST /moderation/open decide_cases
GET /moderation/flaggers manage_settings
POST /moderation/flaggers manage_settings
POST /moderation/flaggers/mail manage_settings
POST /moderation/flaggers/{id}/withdraw manage_settings
GET /moderation/blocks manage_blocks
POST /moderation/blocks/providers manage_blocks
POST /moderation/blocks/networks manage_blocks
POST /moderation/blocks/addresses manage_blocks
POST /moderation/blocks/networks/{id}/remove manage_blocks
GET /moderation/servers manage_federation
POST /moderation/servers manage_federation
POST /moderation/servers/lift manage_federation
POST /moderation/servers/drafts manage_federation
GET /moderation/servers/lists manage_federation
POST /moderation/servers/lists manage_federation
POST /moderation/servers/lists/preview manage_federation
GET /moderation/servers/lists/{id} manage_federation
POST /moderation/servers/lists/{id} manage_federation
POST /moderation/servers/lists/{id}/fetch manage_federation
POST /moderation/servers/lists/{id}/leave manage_federation
POST /moderation/servers/excludes manage_federation
POST /moderation/servers/excludes/lift manage_federation
POST /moderation/servers/import manage_federation
POST /moderation/servers/import/take manage_federation
GET /moderation/servers/export.csv manage_federation
GET /moderation/audit view_audit_log
GET /moderation/team view_cases
POST /moderation/team/duties view_cases
POST /moderation/team/rest view_cases
POST /moderation/team/rest/end view_cases
POST /moderation/team/role manage_roles
GET /moderation/team/roles manage_roles
POST /moderation/team/roles manage_roles
POST /moderation/team/roles/{id}/remove manage_roles
GET /moderation/misuse/notifier/{id} decide_cases
POST /moderation/misuse/notifier/{id} decide_cases
POST /moderation/cases/{case}/misuse decide_cases case
GET /moderation/open decide_cases
POST /moderation/open decide_cases
GET /moderation/flaggers manage_settings
POST /moderation/flaggers manage_settings
POST /moderation/flaggers/mail manage_settings
POST /moderation/flaggers/{id}/withdraw manage_settings
GET /moderation/blocks manage_blocks
POST /moderation/blocks/providers manage_blocks
POST /moderation/blocks/networks manage_blocks
POST /moderation/blocks/addresses manage_blocks
POST /moderation/blocks/networks/{id}/remove manage_blocks
GET /moderation/templates manage_rules
POST /moderation/templates manage_rules
POST /moderation/templates/{id}/withdraw manage_rules
GET /moderation/find view_cases
GET /moderation/keys view_cases
POST /moderation/keys view_cases
"""

#: The same for moderation apps; without `/api/`.
ADMIN = """
GET v1/admin/accounts manage_users
GET v2/admin/accounts manage_users
GET v1/admin/accounts/{id} manage_users
POST v1/admin/accounts/{id}/approve manage_users
POST v1/admin/accounts/{id}/reject manage_users
DELETE v1/admin/accounts/{id} manage_settings
POST v1/admin/accounts/{id}/action decide_cases
POST v1/admin/accounts/{id}/enable decide_cases
POST v1/admin/accounts/{id}/unsilence decide_cases
POST v1/admin/accounts/{id}/unsuspend decide_cases
POST v1/admin/accounts/{id}/unsensitive decide_cases
GET v1/admin/reports view_cases
GET v1/admin/reports/{notice_id} view_cases case
PUT v1/admin/reports/{notice_id} decide_cases case
POST v1/admin/reports/{notice_id}/assign_to_self decide_cases case
POST v1/admin/reports/{notice_id}/unassign decide_cases case
POST v1/admin/reports/{notice_id}/reopen decide_cases case
POST v1/admin/reports/{id}/resolve decide_cases
GET v1/admin/domain_blocks manage_federation
GET v1/admin/domain_blocks/{id} manage_federation
POST v1/admin/domain_blocks manage_federation
PUT v1/admin/domain_blocks/{id} manage_federation
DELETE v1/admin/domain_blocks/{id} manage_federation
GET v1/admin/domain_allows manage_federation
GET v1/admin/domain_allows/{id} manage_federation
POST v1/admin/domain_allows manage_federation
DELETE v1/admin/domain_allows/{id} manage_federation
GET v1/admin/email_domain_blocks manage_blocks
GET v1/admin/email_domain_blocks/{id} manage_blocks
POST v1/admin/email_domain_blocks manage_blocks
DELETE v1/admin/email_domain_blocks/{id} manage_blocks
GET v1/admin/ip_blocks manage_blocks
GET v1/admin/ip_blocks/{id} manage_blocks
POST v1/admin/ip_blocks manage_blocks
PUT v1/admin/ip_blocks/{id} manage_blocks
DELETE v1/admin/ip_blocks/{id} manage_blocks
GET v1/admin/canonical_email_blocks manage_blocks
GET v1/admin/canonical_email_blocks/{id} manage_blocks
POST v1/admin/canonical_email_blocks/test manage_blocks
POST v1/admin/canonical_email_blocks manage_blocks
DELETE v1/admin/canonical_email_blocks/{id} manage_blocks
POST v1/admin/measures view_cases
POST v1/admin/dimensions view_cases
POST v1/admin/retention view_cases
GET v1/admin/trends/tags view_cases
GET v1/admin/trends/statuses view_cases
GET v1/admin/trends/links/publishers view_cases
GET v1/admin/trends/links view_cases
POST v1/admin/trends/tags/{id}/reject view_cases
POST v1/admin/trends/tags/{id}/approve view_cases
POST v1/admin/trends/statuses/{id}/reject view_cases
POST v1/admin/trends/statuses/{id}/approve view_cases
POST v1/admin/trends/links/publishers/{id}/reject view_cases
POST v1/admin/trends/links/publishers/{id}/approve view_cases
POST v1/admin/trends/links/{id}/reject view_cases
POST v1/admin/trends/links/{id}/approve view_cases
GET v1/admin/tags view_cases
GET v1/admin/tags/{id} view_cases
PUT v1/admin/tags/{id} view_cases
"""

SIGNED_IN = frozenset(EVERYBODY) - {"anonymous", "suspended"}
OWN = frozenset(EVERYBODY) - {"anonymous"}
ALL = frozenset(EVERYBODY)
AWAKE = SIGNED_IN - {"frozen"}
NOBODY: frozenset[str] = frozenset()
#: The pages for members and everybody: who gets in. A record of somebody else is no page at all.
PAGES: dict[str, frozenset[str]] = {
    "GET /report": ALL, "POST /report": SIGNED_IN, "GET /report/quiet": SIGNED_IN,
    "GET /report/notice": ALL, "POST /report/notice": ALL,
    "GET /notices": SIGNED_IN, "GET /notices/{number}": ALL, "POST /notices/{number}/appeal": ALL,
    "GET /record": OWN, "GET /record.json": OWN, "POST /record/questions/{id}": NOBODY,
    "GET /record/{number:int}": NOBODY, "POST /record/{number:int}/appeal": NOBODY,
    "GET /record/{number:int}/copy": NOBODY,
    "GET /disputes/strikes": OWN, "GET /disputes/strikes/{id}": NOBODY,
    "GET /appeals": SIGNED_IN,
    "GET /appeals/{id}": frozenset({"reviewer"}), "POST /appeals/{id}": frozenset({"reviewer"}),
    "GET /transparency": ALL, "GET /transparency/rebuild.pyz": ALL, "GET /transparency/{period}/{name}": ALL,
    "GET /decisions": ALL, "GET /decisions/{number}": ALL,
}  # fmt: skip


def table(text: str) -> list[tuple[str, str, str, str]]:
    """The rows of a table: method, address, permission, whose."""
    found = [line.split() for line in text.strip().splitlines()]
    return [(row[0], row[1], row[2], row[3] if len(row) > 3 else "") for row in found]


def shape(method: str, path: str) -> str:
    """A route without the names of its parameters, to compare the tables with."""
    return f"{method} {re.sub(r'{[^}]*}', '*', path)}"


def test_every_page_of_the_console_has_a_row() -> None:
    known = {shape(method, path): permission for method, path, permission, _ in table(CONSOLE)}
    for route in ROUTES:
        if route.path == guard.ROOT or route.path.startswith(f"{guard.ROOT}/"):
            assert find(known, route) == {guard.permission_of(route)}, route.path
    assert len(known) >= sum(route.path.startswith(guard.ROOT) for route in ROUTES)


def find(known: dict[str, str], route: Route) -> set[str]:
    """The permissions of the rows that are about this route: a step of it has a row of its own."""
    [method] = set(route.methods or ()) - {"HEAD"}
    pattern = re.compile(re.escape(shape(method, route.path)).replace(r"\*", r"[^/ ]+"))
    return {permission for row, permission in known.items() if pattern.fullmatch(row)}


def test_every_endpoint_for_moderation_apps_has_a_row() -> None:
    known = {shape(method, f"/api/{path}") for method, path, _, _ in table(ADMIN)}
    served = {shape(route.method, route.path) for route in API if "/admin/" in route.path}
    assert served == known


def test_every_page_for_members_has_a_row() -> None:
    modules = (report, notices, record, appeals, transparency)
    routes: list[Route] = [route for module in modules for route in module.routes]
    served = {f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"}}
    assert served == set(PAGES)


class Trial:
    """One person at every door."""

    def __init__(self, world: World, browser: Browser, role: str) -> None:
        self.world, self.browser, self.role = world, browser, role

    def fill(self, path: str) -> str:
        known = vars(self.world) | {
            "id": 1,
            "blob": "ab" * 32 + ".png",
            "number": self.world.decision,
            "period": "2026",
        }
        return re.sub(r"{(\w+)[^}]*}", lambda found: str(known.get(found[1], "1")), path)

    def expects(self, permission: str, whose: str) -> bool:
        """Whether they get in, by the table."""
        out = {"case": {"party"}, "proposal": {"party", "decider"}, "appeal": {"party", "decider", "second"}}
        return self.world.holds(self.role, permission) and self.role not in out.get(whose, set())

    async def open(self, method: str, path: str) -> Any:
        where = self.fill(path)
        if method == "GET":
            return await self.browser.get(where)
        return await self.browser.submit(where, **self.form(path))

    def form(self, path: str) -> dict[str, str]:
        """Enough for each step to come to the question who it is, and too little to change anything."""
        world = self.world
        if path.endswith("/look"):
            return {"snapshot": str(world.snapshot_id)}
        if "/second/" in path:
            return {"proposal": str(world.proposal_id)}
        if path.endswith(("/hand_over", "/ask")):
            return {"to": str(world.id_of("moderator"))}
        if path.endswith("/answer") and "cases" in path:
            return {"outcome": "refused"}
        if path.endswith("/items"):
            items = world.order_items if "orders" in path else world.letter_items
            return {"answer": "not_here", "item[]": str(items[0])}
        if path.startswith("/appeals"):
            return {"outcome": "granted", "reasons": " "}
        if path.endswith("/pack"):
            return {"item[]": str(world.order_items[0])}
        return {"to": "", "status_ids[]": str(world.post_id)}


def came_in(answer: Any) -> bool:
    """Past the door: with whatever answer. Who is led to the sign-in page or their record did not."""
    assert answer.status_code < 500, (answer.url, answer.text[:300])
    if answer.status_code == 303:
        return not re.match("/sign_in|/record$", answer.headers["location"])
    return answer.status_code not in (401, 403)


@pytest.fixture
def trial(server: Any, cast: Any, client: Any, at: Callable[[float], None]) -> Callable[[str], Trial]:
    """The world, a while after it was made, and somebody with that role in front of it."""

    def enter(role: str) -> Trial:
        world, browser = World(server, cast), Browser(client, server)
        if world.people[role]:
            browser.sign_in(world.people[role])
        at(60)
        return Trial(world, browser, role)

    return enter


@pytest.mark.parametrize("role", EVERYBODY)
async def test_the_console(trial: Callable[[str], Trial], role: str) -> None:
    one = trial(role)
    await one.browser.get("/about")
    wrong = []
    for method, path, permission, whose in table(CONSOLE):
        answer = await one.open(method, path)
        if came_in(answer) != one.expects(permission, whose):
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("role", EVERYBODY)
async def test_the_endpoints(trial: Callable[[str], Trial], client: Any, cast: Any, role: str) -> None:
    one = trial(role)
    member = one.world.people[role]
    headers = cast.token(member, "admin:read admin:write") if member else {}
    wrong = []
    for method, path, permission, whose in table(ADMIN):
        form = {"severity": "no_access", "ip": "none"} if path.endswith("ip_blocks") else {}
        answer = await client.request(method, f"/api/{one.fill(path)}", headers=headers, params=form)
        wanted = one.expects(permission, whose)
        # To a party there is no such report.
        hidden = whose == "case" and role in TEAM and answer.status_code == 404
        if (came_in(answer) and not hidden) != wanted or (wanted and not answer.content):
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("role", EVERYBODY)
async def test_the_pages_for_members(trial: Callable[[str], Trial], role: str) -> None:
    one = trial(role)
    await one.browser.get("/about")
    wrong = []
    for row, who in PAGES.items():
        method, path = row.split()
        where = path.replace("/{id}", "/{appeal_id}") if path.startswith("/appeals") else path
        where = where.replace("/notices/{number}", "/notices/{notice_number}")
        answer = await one.open(method, where)
        found = came_in(answer)
        if who in (NOBODY, PAGES["GET /appeals/{id}"]):
            found = found and answer.status_code != 404
        if found != (role in who):
            wrong.append(f"{row}: {answer.status_code}")
    assert wrong == []
