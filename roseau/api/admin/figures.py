"""Figures for the team (docs.joinmastodon.org/methods/admin: measures, dimensions, retention)."""

import platform
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from roseau import __version__
from roseau.api.routing import Call, Routes
from roseau.domain.moderation.team import figures
from roseau.domain.moderation.team.figures import Figure, Part, Subject, to_period
from roseau.domain.moderation.team.permissions import require
from roseau.kernel import clock
from roseau.kernel.errors import BadRequest
from roseau.kernel.i18n import LANGUAGES, language_names
from roseau.storage.database import Transaction

routes = Routes()

MAX_KEYS = 20


class About(msgspec.Struct, frozen=True):
    """What a figure is about: a hashtag, a server."""

    id: int = 0
    domain: str = ""


class FiguresForm(msgspec.Struct, kw_only=True):
    """Which figures of which time; those about a thing have their parameters under their own name."""

    keys: list[str] = []
    start_at: str = ""
    end_at: str = ""
    limit: int = 10
    tag_accounts: About = About()
    tag_uses: About = About()
    tag_servers: About = About()
    tag_languages: About = About()
    instance_accounts: About = About()
    instance_statuses: About = About()
    instance_reports: About = About()
    instance_follows: About = About()
    instance_followers: About = About()
    instance_languages: About = About()

    def subject(self, key: str) -> Subject:
        """What the figure of that name is about."""
        about = getattr(self, key, None)
        return Subject(about.id, about.domain.lower()) if isinstance(about, About) else Subject()


class RetentionForm(msgspec.Struct, kw_only=True):
    """Of which time, in which steps."""

    start_at: str = ""
    end_at: str = ""
    frequency: Literal["day", "month"] = "day"


def _period(start_at: str, end_at: str) -> figures.Period:
    """The days between; without an end today, without a beginning a week. Raises BadRequest."""
    try:
        end = clock.from_iso(end_at) if end_at else clock.now()
        start = clock.from_iso(start_at) if start_at else end - 6 * clock.DAY
    except (ValueError, OverflowError):
        raise BadRequest("start_at and end_at are dates") from None
    return to_period(start, end)


@routes.post("/api/v1/admin/measures", scope="admin:read")
async def measures(call: Call) -> Response:
    """How much of what there was, day by day."""
    form = await call.form(FiguresForm)
    period = _period(form.start_at, form.end_at)

    def read(tx: Transaction) -> list[Figure]:
        require(tx, call.viewer, "view_cases")
        keys = list(dict.fromkeys(form.keys))[:MAX_KEYS]
        found = [figures.count_measure(tx, key, period, form.subject(key)) for key in keys]
        return [figure for figure in found if figure is not None]

    return call.json([_to_measure(figure) for figure in await call.server.database.scan(read)])


def _to_measure(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.key,
        "unit": None,
        "total": str(figure.total),
        "previous_total": str(figure.previous),
        "data": [{"date": clock.to_iso(at), "value": str(number)} for at, number in figure.days],
    }


@routes.post("/api/v1/admin/dimensions", scope="admin:read")
async def dimensions(call: Call) -> Response:
    """How much there was of each kind."""
    form = await call.form(FiguresForm)
    period = _period(form.start_at, form.end_at)

    def read(tx: Transaction) -> list[tuple[str, list[dict[str, Any]]]]:
        require(tx, call.viewer, "view_cases")
        found: list[tuple[str, list[dict[str, Any]]]] = []
        for key in list(dict.fromkeys(form.keys))[:MAX_KEYS]:
            if key == "software_versions":
                found.append((key, _versions()))
                continue
            parts = figures.count_dimension(tx, key, period, form.subject(key), form.limit)
            if parts is not None:
                found.append((key, [_to_part(call, key, part) for part in parts]))
        return found

    answered = await call.server.database.scan(read)
    return call.json([{"key": key, "data": data} for key, data in answered])


def _to_part(call: Call, key: str, part: Part) -> dict[str, Any]:
    name = part.name
    if key.endswith("languages"):
        name = dict(language_names(LANGUAGES[0])).get(part.key, part.key)
    elif key.endswith("servers"):
        name = part.name or call.server.site.domain
    return {"key": part.key or call.server.site.domain, "human_key": name, "value": str(part.value)}


def _versions() -> list[dict[str, Any]]:
    found = (("roseau", "Roseau", __version__), ("python", "Python", platform.python_version()))
    return [
        {"key": key, "human_key": name, "value": version, "human_value": version}
        for key, name, version in found
    ]


@routes.post("/api/v1/admin/retention", scope="admin:read")
async def retention(call: Call) -> Response:
    """Who joined when, and how many of them stayed."""
    form = await call.form(RetentionForm)
    period = _period(form.start_at, form.end_at)

    def read(tx: Transaction) -> list[figures.Cohort]:
        require(tx, call.viewer, "view_cases")
        return figures.count_retention(tx, period, form.frequency)

    return call.json(
        [
            {
                "period": clock.to_iso(cohort.period),
                "frequency": form.frequency,
                "data": [
                    {
                        "date": clock.to_iso(at),
                        "rate": number / cohort.size if cohort.size else 0,
                        "value": str(number),
                    }
                    for at, number in cohort.kept
                ],
            }
            for cohort in await call.server.database.scan(read)
        ]
    )
