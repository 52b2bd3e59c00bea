"""The nightly backup: written and tried out by a process of its own, and noted for the control room."""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import RoseauError
from roseau.survival.history import NIGHTLY, finish_backup, list_backups, start_backup

log = logging.getLogger("roseau.backup")

LOOK_SECONDS = 60
#: Longer than any backup takes that may still end.
LONGEST_SECONDS = 12 * 3600
#: The server's requests come first.
NICENESS = 10
_NAME = "roseau-{day}.tar.gz"


async def back_up_nightly(server: Server) -> None:
    """Make a backup each night, for as long as the server runs; one that was missed is made at once."""
    settings = server.settings
    if not settings.backup_folder:
        return
    since = clock.now()
    while True:
        with suppress(RoseauError):
            last = await server.database.read(list_backups, NIGHTLY, 1)
            if next_backup_at(last[0].started_at if last else since, settings.backup_hour) <= clock.now():
                await back_up(server)
        await asyncio.sleep(LOOK_SECONDS)


def next_backup_at(since: int, hour: int) -> int:
    """The first moment after `since` at which it is that hour (UTC)."""
    at = since // clock.DAY * clock.DAY + hour * clock.HOUR
    return at if at > since else at + clock.DAY


async def back_up(server: Server) -> None:
    """Make a backup, try it out, delete the oldest and note what came of it. Raises RoseauError."""
    folder = Path(server.settings.backup_folder)
    file = folder / _NAME.format(day=clock.to_date(clock.now()))
    backup_id = await server.database.write(start_backup, NIGHTLY, str(file))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        proof, error = await _run(server, file)
        size = file.stat().st_size if file.exists() else 0
        if not error:
            _forget_old(folder, server.settings.backup_keep)
    except OSError as failure:
        proof, size = "", 0
        error = f"{failure.filename or folder}: {failure.strerror or failure}."
    if error:
        log.error("backup_failed file=%s reason=%s", file, error)
    # With PostgreSQL its bytes were verified, and nothing was restored.
    proven = not error and not server.settings.database
    await _note(server, backup_id, size, proof, error, proven)


async def _note(server: Server, backup_id: int, size: int, proof: str, error: str, proven: bool) -> None:
    """Write down what came of it, as soon as anything can be written."""
    while True:
        try:
            await server.database.write(
                finish_backup, backup_id, size, proof=proof, error=error, proven=proven
            )
            return
        except RoseauError:
            await asyncio.sleep(LOOK_SECONDS)


async def _run(server: Server, file: Path) -> tuple[str, str]:
    """Run `roseau backup --prove`: what the proof says, and why it failed if it did."""
    environment = os.environ | {"ROSEAU_DATABASE": server.settings.database}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roseau", "backup", "--prove", str(file), "--data", str(server.folder)),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        async with asyncio.timeout(LONGEST_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        return "", f"It was not finished within {LONGEST_SECONDS // 3600} hours."
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    said, complained = _last_line(out), _last_line(err).removeprefix("roseau: ")
    if process.returncode:
        return "", complained or f"The backup ended with status {process.returncode}."
    return said, ""


def _last_line(data: bytes) -> str:
    lines = data.decode(errors="replace").strip().splitlines()
    return lines[-1][:1000] if lines else ""


def _forget_old(folder: Path, keep: int) -> None:
    """Delete all but the newest backups of ours."""
    ours = sorted(folder.glob(_NAME.format(day="[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]")))
    for path in ours[:-keep]:
        path.unlink(missing_ok=True)
