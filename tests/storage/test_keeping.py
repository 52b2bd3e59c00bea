"""Jobs, secrets, blobs and the lease."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from roseau.kernel import clock
from roseau.storage import jobs, secrets
from roseau.storage.blobs import FolderBlobs
from roseau.storage.lease import InUse, take_lease

pytestmark = pytest.mark.anyio


async def test_a_job_is_claimed_once_and_comes_back_when_its_worker_dies(server: Any, at: Any) -> None:
    database = server.database
    at(0)
    await database.write(jobs.add_job, "mail", {"to": "ada"})
    claimed = await database.write(jobs.claim_jobs, 10)
    assert [(job.kind, job.payload, job.attempts) for job in claimed] == [("mail", '{"to":"ada"}', 1)]
    assert await database.write(jobs.claim_jobs, 10) == []
    at(121)
    again = await database.write(jobs.claim_jobs, 10)
    assert [job.attempts for job in again] == [2]
    await database.write(jobs.finish_jobs, [job.id for job in again])
    at(500)
    assert await database.write(jobs.claim_jobs, 10) == []


async def test_a_failing_job_waits_longer_each_time_and_is_kept_in_the_end(server: Any, at: Any) -> None:
    database = server.database
    at(0)
    await database.write(jobs.add_job, "mail", {})
    seconds, waits = 0.0, []
    for _ in range(jobs.LAST_ATTEMPT):
        (job,) = await database.write(jobs.claim_jobs, 1)
        await database.write(jobs.postpone_job, job, "the mail server is away")
        due = await database.read(jobs.find_next_run)
        if due is not None:
            waits.append(due - clock.now())
            seconds += (due - clock.now()) / 1000
            at(seconds)
    assert waits[:3] == [15_000, 30_000, 60_000]
    at(seconds + 10**7)
    assert "mail" not in [job.kind for job in await database.write(jobs.claim_jobs, 10)]


async def test_the_same_work_is_asked_for_once(server: Any) -> None:
    for _ in range(3):
        await server.database.write(jobs.add_job, "close_poll", {}, dedupe="poll:1")
    assert len(await server.database.write(jobs.claim_jobs, 10)) == 1


async def test_work_for_later_waits(server: Any, at: Any) -> None:
    at(0)
    await server.database.write(jobs.add_job, "later", {}, run_at=clock.now() + clock.HOUR)
    assert await server.database.write(jobs.claim_jobs, 10) == []
    at(3601)
    assert len(await server.database.write(jobs.claim_jobs, 10)) == 1


def test_a_secret_opens_with_this_machines_key_only(server: Any, tmp_path: Path) -> None:
    key = server.site.data_key
    server.database.write_now(secrets.keep_secret, key, "whisper", b"quiet")
    assert server.database.read_now(secrets.find_secret, key, "whisper") == b"quiet"
    assert secrets.open_data_key(server.database, server.folder) == key
    machine_key = server.folder / "machine.key"
    assert machine_key.stat().st_mode & 0o777 == 0o600
    machine_key.write_bytes(bytes(32))
    with pytest.raises(secrets.LostKey, match=r"machine\.key"):
        secrets.open_data_key(server.database, server.folder)


def test_a_blob_is_named_by_its_bytes(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "media")
    name = blobs.put_bytes(b"reeds", "png")
    assert name == hashlib.sha256(b"reeds").hexdigest() + ".png"
    assert blobs.path_of(name).read_bytes() == b"reeds"
    assert blobs.put_bytes(b"reeds", "png") == name
    assert list(blobs.names()) == [name]
    assert list(blobs.incoming.iterdir()) == []
    blobs.remove(name)
    assert list(blobs.names()) == []


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "ab", "0" * 64, "0" * 64 + ".png/..", "0" * 64 + ".PNG"]
)
def test_no_other_name_leads_anywhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a blob"):
        FolderBlobs(tmp_path).path_of(name)


def test_one_process_works_on_a_folder(tmp_path: Path) -> None:
    held = take_lease(tmp_path)
    with pytest.raises(InUse, match="at work"):
        take_lease(tmp_path)
    held.close()
    take_lease(tmp_path).close()
