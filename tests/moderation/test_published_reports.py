"""Published reports: they stay, everybody reads them, and small numbers are not told."""

import json
from typing import Any

import httpx2
import pytest

from roseau.domain.moderation.record import published, reports
from roseau.domain.moderation.record.rebuild.tables import build
from roseau.doors.server import Server
from roseau.kernel.errors import Gone, Invalid
from roseau.storage.schema.moderation import moderation_log
from roseau.storage.statements import insertion
from tests.moderation.test_transparency import Log, busy

pytestmark = pytest.mark.anyio

_insert = insertion(moderation_log, "seq at kind body hash")


def publish(server: Server, log: Log, **more: Any) -> reports.NewReport:
    """Make the log the site's own, and publish its report."""
    about = log.about(**more)

    def write(tx: Any) -> None:
        for line in log.lines:
            entry = json.loads(line)
            tx.run(_insert, **entry | {"hash": bytes.fromhex(entry["hash"])})

    server.database.write_now(write)
    files = {name: content.decode() for name, content in build(log.lines, about).items()}
    new = reports.NewReport("2026", about["last_seq"], about["tip"], files)
    server.database.write_now(reports.publish_report, new)
    return new


async def test_a_published_report_stays_and_can_be_read_by_all(
    server: Server, client: httpx2.AsyncClient
) -> None:
    new = publish(server, busy())
    page = (await client.get("/transparency")).text
    assert '<a href="/transparency/2026/4_notices.csv">' in page
    answer = await client.get("/transparency/2026/4_notices.csv")
    assert answer.text == new.files["4_notices.csv"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (await client.get("/transparency/2026/nothing.csv")).status_code == 404
    assert (await client.get("/transparency/2025/4_notices.csv")).status_code == 404
    program = await client.get("/transparency/rebuild.pyz")
    assert program.content == reports.pack_program()
    with pytest.raises(Gone):
        server.database.write_now(reports.publish_report, new)


async def test_a_report_over_another_log_is_not_published(server: Server) -> None:
    new = reports.NewReport("2026", 3, "0" * 64, {"SHA256SUMS": ""})
    with pytest.raises(Invalid):
        server.database.write_now(reports.publish_report, new)


def test_small_numbers_are_not_told_apart() -> None:
    assert published._blur({"a": 4, "b": 5, "c": 1}) == {"a": None, "b": 5, "c": None}
    # One alone would follow from the sum and the others.
    assert published._blur({"a": 4, "b": 50, "c": 7}, summed=True) == {"a": None, "b": 50, "c": None}
    assert published._blur({"a": 2}, summed=True) == {"a": None}
    assert published._blur({"a": 5, "b": 6}, summed=True) == {"a": 5, "b": 6}
