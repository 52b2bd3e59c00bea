"""The form for people without an account, sent through the real door; timed until the receipt is mailed."""

import asyncio
import html
import re
import time
from dataclasses import dataclass, field

import httpx2

from bench.channels import Town
from roseau.app import create_app
from roseau.worker import Worker

NOTICES = 20
#: So many addresses in the first of them.
MOST = 100
PATIENCE = 60.0


@dataclass
class Receipts:
    """Seconds from sending the form until the mail was handed over, and what the form asked for."""

    seconds: list[float] = field(default_factory=list)
    #: The fields to fill in, and the pages to be opened.
    fields: int = 0
    items: int = 0


async def send_notices(town: Town, worker: Worker) -> Receipts:
    """Send notices by the form, while the worker runs."""
    found = Receipts()
    app = create_app(town.server, start_worker=False)
    base = town.server.site.base_url
    running = asyncio.create_task(worker.run())
    try:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=base) as client:
            for number in range(NOTICES):
                posts = town.posts[-MOST:] if number == 0 else [town.posts[-number]]
                address = f"signed-out{number}@elsewhere.example"
                page = (await client.get("/report/notice")).text
                csrf = re.search(r'name="csrf" value="([^"]+)"', page)
                assert csrf
                found.fields = len(re.findall(r"<(?:input(?! type=\"hidden\")|textarea|select)\b", page))
                form = {
                    "csrf": html.unescape(csrf[1]),
                    "urls": "\n".join(town.url(post) for post in posts),
                    "reason": "illegal", "comment": "It is defamation (article 29 of the law of 1881).",
                    "name": "Vera Voisin", "email": address, "good_faith": "1",
                }  # fmt: skip
                begun = time.perf_counter()
                answer = await client.post(
                    "/report/notice", data=form, headers={"Origin": base, "Sec-Fetch-Site": "same-origin"}
                )
                if answer.status_code != 303:
                    raise RuntimeError(f"the form answered {answer.status_code}: {answer.text[:500]}")
                found.seconds.append(await _until_mailed(town, address, begun))
    finally:
        await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    found.items = town.ask("SELECT max(n) FROM (SELECT count(*) n FROM notice_items GROUP BY notice_id)")[0][
        0
    ]
    return found


async def _until_mailed(town: Town, address: str, begun: float) -> float:
    folder = town.server.folder / "mail"
    seen: set[str] = set()
    while time.perf_counter() - begun < PATIENCE:
        for path in folder.glob("*.eml"):
            if path.name not in seen:
                seen.add(path.name)
                if address.encode() in path.read_bytes():
                    return time.perf_counter() - begun
        await asyncio.sleep(0.002)
    return PATIENCE
