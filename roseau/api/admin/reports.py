"""Notices as the team handles them (docs.joinmastodon.org/methods/admin/reports)."""

from collections.abc import Callable
from typing import Literal

import msgspec
from starlette.responses import Response

from roseau.api.present.admin import to_admin_report
from roseau.api.routing import Call, Routes
from roseau.domain.moderation.cases.sight import load_for_moderation
from roseau.domain.moderation.cases.working import claim, release
from roseau.domain.moderation.team import acting
from roseau.domain.moderation.team.members import load_members
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.domain.moderation.team.reports import (
    Report,
    change_report,
    find_report,
    list_reports,
    reopen_report,
)
from roseau.domain.policy import Rule, list_rule_versions
from roseau.domain.site import load_choices
from roseau.kernel.errors import Invalid
from roseau.storage.database import Transaction

routes = Routes()


class ListQuery(msgspec.Struct, kw_only=True):
    """Which of them; without `resolved`, those that wait."""

    resolved: bool = False
    account_id: int = 0
    target_account_id: int = 0


class ChangeForm(msgspec.Struct, kw_only=True):
    """Another category, other rules."""

    category: Literal["spam", "legal", "violation", "other"] | None = None
    rule_ids: list[int] | None = None


@routes.get("/api/v1/admin/reports", scope="admin:read:reports")
async def index(call: Call) -> Response:
    """What was reported."""
    form = await call.form(ListQuery)
    page = call.page(100, 200)

    def read(tx: Transaction) -> tuple[list[Report], list[dict[str, object]]]:
        found = list_reports(
            tx,
            call.viewer,
            page,
            resolved=form.resolved,
            by_id=form.account_id,
            about_id=form.target_account_id,
        )
        return found, _present(tx, call, found)

    found, entities = await call.server.database.scan(read)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json(entities)


def _present(tx: Transaction, call: Call, reports: list[Report]) -> list[dict[str, object]]:
    people = {
        person
        for one in reports
        for person in (one.account_id, one.target_account_id, one.assignee_id, one.resolved_by_id)
        if person is not None
    }
    members = load_members(tx, people)
    statuses = load_for_moderation(tx, [status_id for one in reports for status_id in one.status_ids])
    # As they read now, or when they were last in force.
    rules = {one.rule_id: Rule(one.rule_id, one.texts) for one in list_rule_versions(tx)}
    choices = load_choices(tx)
    private = "manage_users" in permissions_of(tx, call.viewer)
    base_url = call.server.site.base_url
    return [
        to_admin_report(base_url, one, members, statuses, rules, choices, private=private) for one in reports
    ]


def _show(tx: Transaction, call: Call) -> dict[str, object]:
    return _present(tx, call, [find_report(tx, call.viewer, call.path_id())])[0]


@routes.get("/api/v1/admin/reports/{id}", scope="admin:read:reports")
async def show(call: Call) -> Response:
    """One report."""
    return call.json(await call.server.database.scan(_show, call))


async def _change(call: Call, command: Callable[[Transaction, Report], None]) -> Response:
    def run(tx: Transaction) -> dict[str, object]:
        require(tx, call.viewer, "decide_cases")
        command(tx, find_report(tx, call.viewer, call.path_id()))
        return _show(tx, call)

    return call.json(await call.server.database.write(run))


@routes.put("/api/v1/admin/reports/{id}", scope="admin:write:reports")
async def update(call: Call) -> Response:
    """File it otherwise."""
    form = await call.form(ChangeForm)
    rules = None if form.rule_ids is None else tuple(form.rule_ids)

    def change(tx: Transaction, report: Report) -> None:
        change_report(tx, call.viewer, report.id, category=form.category, rule_ids=rules)

    return await _change(call, change)


@routes.post("/api/v1/admin/reports/{id}/assign_to_self", scope="admin:write:reports")
async def assign(call: Call) -> Response:
    """Take what is open of it."""
    site = call.server.site
    return await _change(
        call, lambda tx, report: acting.in_each(tx, site, call.viewer, report.case_ids, claim)
    )


@routes.post("/api/v1/admin/reports/{id}/unassign", scope="admin:write:reports")
async def unassign(call: Call) -> Response:
    """Give back to the queue what is one's own of it."""
    site = call.server.site

    def give_back(tx: Transaction, report: Report) -> None:
        if report.assignee_id is not None:
            acting.in_each(tx, site, call.viewer, report.case_ids, release)

    return await _change(call, give_back)


@routes.post("/api/v1/admin/reports/{id}/resolve", scope="admin:write:reports")
async def resolve(call: Call) -> Response:
    """Decide that nothing is to be done about what is open of it; whoever sent it is told."""
    site = call.server.site
    return await _change(call, lambda tx, report: acting.resolve(tx, site, call.viewer, report.case_ids))


@routes.post("/api/v1/admin/reports/{id}/reopen", scope="admin:write:reports")
async def reopen(call: Call) -> Response:
    """Look at it again, in new cases: what was decided stands until it is reversed."""
    site = call.server.site

    def open_again(tx: Transaction, report: Report) -> None:
        if not report.resolved:
            raise Invalid("This report is open.")
        reopen_report(tx, site, call.viewer, report.id)

    return await _change(call, open_again)
