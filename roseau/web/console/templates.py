"""The team's sentences for facts: list, write, change, take out of use."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.templates import (
    Template,
    TemplateDraft,
    list_templates,
    save_template,
    withdraw_template,
)
from roseau.domain.policy import Rule, list_rules
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.i18n import LANGUAGES
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, redirect

_HERE = "/moderation/templates"


async def show_templates(request: Request) -> Response:
    """All of them, and the form for another one; `edit` names one that is to be changed."""
    return await _show(request, parse_id(request.query_params.get("edit")))


async def _show(
    request: Request,
    editing: int | None,
    draft: TemplateDraft | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    found, rules = await server_of(request).database.read(_load)
    edited = next((one for one in found if one.id == editing), None)
    if draft is None and edited:
        draft = TemplateDraft(edited.name, edited.texts, edited.rule_id)
    return await render_console(
        request,
        "console/templates.html",
        422 if problems else 200,
        templates=found,
        rules=rules,
        draft=draft or TemplateDraft("", {}),
        editing=editing if edited else None,
        problems=problems or {},
    )


def _load(tx: Transaction) -> tuple[list[Template], list[Rule]]:
    return list_templates(tx), list_rules(tx)


async def save(request: Request) -> Response:
    """A new one, or one in the place of another."""
    texts = {language: field_of(request, f"text_{language}") for language in LANGUAGES}
    draft = TemplateDraft(field_of(request, "name"), texts, parse_id(field_of(request, "rule_id")))
    editing = parse_id(field_of(request, "replaces"))
    try:
        await server_of(request).database.write(save_template, staff_of(request).account.id, draft, editing)
    except Invalid as error:
        return await _show(request, editing, draft, problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


async def withdraw(request: Request) -> Response:
    """Take one out of use."""
    template_id = parse_id(request.path_params["id"])
    if template_id is None:
        raise NotFound
    await server_of(request).database.write(withdraw_template, staff_of(request).account.id, template_id)
    return redirect(request, _HERE, say=translations_of(request).gettext("Taken out of use."))


routes = console_routes(
    [
        Route(_HERE, show_templates),
        Route(_HERE, save, methods=["POST"]),
        Route(f"{_HERE}/{{id}}/withdraw", withdraw, methods=["POST"]),
    ],
    permission="manage_rules",
)
