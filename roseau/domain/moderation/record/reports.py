"""Transparency reports as they were published, and the program with which anybody makes them again."""

import hashlib
import io
import zipfile
from importlib import resources

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation.log import GENESIS
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, ids
from roseau.kernel.errors import Gone, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import moderation_log, transparency_files, transparency_runs
from roseau.storage.statements import insertion, statement

PACKAGE = "roseau.domain.moderation.record.rebuild"
#: What every member of the archive is dated: the archive is the same bytes wherever it is made.
_DATED = (2026, 1, 1, 0, 0, 0)
_MAIN = b'"""Runs `rebuild`."""\n\nimport sys\n\nfrom rebuild.__main__ import main\n\nsys.exit(main())\n'


class Run(msgspec.Struct, frozen=True):
    """A published report: its period, the log that it stands on, and the SHA-256 of its SHA256SUMS."""

    id: int
    period: str
    last_seq: int
    root: str
    sha256: str
    made_at: int


class NewReport(msgspec.Struct, frozen=True):
    """A report to be published: its files by name, as text."""

    period: str
    last_seq: int
    tip: str
    files: dict[str, str]


_columns = [transparency_runs.c[name] for name in Run.__struct_fields__]
_runs = statement(select(*_columns).order_by(transparency_runs.c.period.desc()), into=Run)
_run = statement(select(*_columns).where(transparency_runs.c.period == bindparam("wanted")), into=Run)
_add_run = insertion(transparency_runs, "id period last_seq root sha256 made_at")
_add_file = insertion(transparency_files, "run_id name content")
_names = statement(
    select(transparency_files.c.name)
    .where(transparency_files.c.run_id == bindparam("run"))
    .order_by(transparency_files.c.name)
)
_file = statement(
    select(transparency_files.c.content).where(
        transparency_files.c.run_id == bindparam("run"), transparency_files.c.name == bindparam("wanted")
    )
)
_hash = statement(select(moderation_log.c.hash).where(moderation_log.c.seq == bindparam("wanted")))


def name_period(year: int, half: int | None) -> tuple[str, str, str]:
    """How a year or half of it is called, and its first and last day."""
    first, last = {None: ("01-01", "12-31"), 1: ("01-01", "06-30"), 2: ("07-01", "12-31")}[half]
    return f"{year}-H{half}" if half else str(year), f"{year}-{first}", f"{year}-{last}"


def describe_report(
    tx: Transaction, site: Site, year: int, half: int | None, last_seq: int, tip: str
) -> dict[str, object]:
    """The `about.json` of a report that is made now, over the log up to an entry."""
    period, first, last = name_period(year, half)
    earlier = [run for run in list_reports(tx) if run.period != period]
    return {
        "service": site.domain,
        "provider": load_choices(tx).operator or site.domain,
        "period": period,
        "from": first,
        "to": last,
        "published": clock.to_date(tx.now),
        "previous": clock.to_date(max(run.made_at for run in earlier)) if earlier else "",
        "last_seq": last_seq,
        "tip": tip,
    }


def publish_report(tx: Transaction, new: NewReport) -> None:
    """Put a report where everybody finds it. It stays: raises Gone for a period that has one.

    Raises Invalid when the log that it stands on is not ours.
    """
    found = tx.value(_hash, wanted=new.last_seq) if new.last_seq else GENESIS
    if found is None or bytes(found).hex() != new.tip:
        raise Invalid("This report stands on another log than that of this site.")
    if tx.one(_run, wanted=new.period):
        raise Gone(f"The report for {new.period} was published before, and is not replaced.")
    run_id = ids.new_id()
    sums = hashlib.sha256(new.files["SHA256SUMS"].encode()).hexdigest()
    tx.run(
        _add_run,
        id=run_id,
        period=new.period,
        last_seq=new.last_seq,
        root=new.tip,
        sha256=sums,
        made_at=tx.now,
    )
    tx.run_many(
        _add_file, [{"run_id": run_id, "name": name, "content": text} for name, text in new.files.items()]
    )


def list_reports(tx: Transaction) -> list[Run]:
    """Every published report, the latest period first."""
    return tx.all(_runs)


def list_files(tx: Transaction, run_id: int) -> list[str]:
    """The names of a report's files."""
    return tx.values(_names, run=run_id)


def load_file(tx: Transaction, period: str, name: str) -> str:
    """A file of a published report. Raises NotFound."""
    run = tx.one(_run, wanted=period)
    content: str | None = tx.value(_file, run=run.id, wanted=name) if run else None
    if content is None:
        raise NotFound
    return content


def pack_program() -> bytes:
    """`rebuild.pyz`: the modules that make a report, as one file that Python runs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _DATED), _MAIN)
        folder = resources.files(PACKAGE)
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            if path.name.endswith(".py"):
                archive.writestr(zipfile.ZipInfo(f"rebuild/{path.name}", _DATED), path.read_bytes())
    return packed.getvalue()
