"""What we keep of other sites' roots, and what others keep of ours. The requests are `doors/record_peers.py`.

Whoever keeps a root for somebody notices when it is published anew with another value: then a log was
rewritten. Both values stay, everybody can read them, and those who run the site get a mail.
"""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.mails import Letter, find_reader, to_mail
from roseau.domain.accounts.staff import list_staff
from roseau.domain.moderation.record.roots import note_kept
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, i18n
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.moderation import peer_roots, root_conflicts
from roseau.storage.statements import statement, upsert

#: With a peer: fetch what is new there, tell it of ours, ask later what it keeps. Or only fetch; or only ask.
VISIT, FETCH, CONFIRM = "record_visit", "record_fetch", "record_confirm"
#: An announcement makes us fetch at most once in so long, however many there are.
FETCH_EVERY = 5 * clock.MINUTE
#: A peer has so long to fetch ours before it is asked what it keeps.
CONFIRM_AFTER = 10 * clock.MINUTE
#: Roots a peer may give at a time; in years there are not more than this.
MOST_AT_ONCE = 1_000

_Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$", max_length=10)]
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
_Seq = Annotated[int, msgspec.Meta(ge=1, lt=2**62)]


class GivenRoot(msgspec.Struct, frozen=True):
    """A root as another site publishes it."""

    day: _Day
    first_seq: _Seq
    last_seq: _Seq
    root: _Hash
    tip: _Hash


class GivenRoots(msgspec.Struct, frozen=True):
    """What another site answers: its own roots, or those that it keeps for somebody."""

    roots: Annotated[list[GivenRoot], msgspec.Meta(max_length=MOST_AT_ONCE)]


class KeptRoot(msgspec.Struct, frozen=True):
    """A root that we keep for another site."""

    day: str
    first_seq: int
    last_seq: int
    root: str
    tip: str
    fetched_at: int


class Conflict(msgspec.Struct, frozen=True):
    """A second root for a day. `whose`: the peer's own log, or ours, of which the peer keeps another root."""

    peer: str
    day: str
    root: str
    whose: Literal["theirs", "ours"]
    tip: str
    last_seq: int
    seen_at: int


class PeerJob(msgspec.Struct, frozen=True):
    """A peer by its address, as in the settings."""

    peer: str


_kept = statement(
    select(*(peer_roots.c[name] for name in KeptRoot.__struct_fields__))
    .where(peer_roots.c.peer == bindparam("wanted"), peer_roots.c.day > bindparam("after"))
    .order_by(peer_roots.c.day)
    .limit(bindparam("limit")),
    into=KeptRoot,
)
_conflict_columns = [root_conflicts.c[name] for name in Conflict.__struct_fields__]
_conflicts = statement(
    select(*_conflict_columns).order_by(root_conflicts.c.seen_at.desc()).limit(100), into=Conflict
)
_last_days = statement(
    select(peer_roots.c.day)
    .where(peer_roots.c.peer == bindparam("wanted"))
    .order_by(peer_roots.c.day.desc())
    .limit(bindparam("limit"))
)
_keep = statement(
    upsert(peer_roots)
    .values({name: bindparam(name) for name in ("peer", *KeptRoot.__struct_fields__)})
    .on_conflict_do_nothing()
)
_clash = statement(
    upsert(root_conflicts)
    .values({name: bindparam(name) for name in Conflict.__struct_fields__})
    .on_conflict_do_nothing()
)


def host_of(url: str) -> str:
    """How a site is called in tables and addresses: its host, with a port if it has an unusual one."""
    return urlsplit(url).netloc.lower()


def list_peers(tx: Transaction, site: Site) -> list[str]:
    """The addresses of the sites with which we keep each other's roots; never our own."""
    wanted = (peer.rstrip("/") for peer in load_choices(tx).record_peers)
    return [peer for peer in wanted if host_of(peer) and host_of(peer) != host_of(site.base_url)]


def plan_visits(tx: Transaction, site: Site) -> None:
    """Have every peer visited."""
    for peer in list_peers(tx, site):
        add_job(tx, VISIT, PeerJob(peer), dedupe=f"{VISIT}:{peer}")


def hear_announcement(tx: Transaction, site: Site, address: str) -> None:
    """Another site says that it has new roots: fetch them soon. Raises NotFound unless it is a peer."""
    wanted = host_of(address)
    peer = next((one for one in list_peers(tx, site) if host_of(one) == wanted), None)
    if peer is None:
        raise NotFound
    turn = tx.now // FETCH_EVERY + 1
    add_job(tx, FETCH, PeerJob(peer), run_at=turn * FETCH_EVERY, dedupe=f"{FETCH}:{peer}:{turn}")


def find_last_kept(tx: Transaction, host: str, besides: int = 0) -> str:
    """The last day of which we keep a root for that site, besides the newest; empty when there is none."""
    days: list[str] = tx.values(_last_days, wanted=host, limit=besides + 1)
    return days[-1] if len(days) > besides else ""


def list_kept(tx: Transaction, host: str, after: str = "", limit: int = MOST_AT_ONCE) -> list[KeptRoot]:
    """What we keep for a site."""
    return tx.all(_kept, wanted=host, after=after, limit=limit)


def list_conflicts(tx: Transaction) -> list[Conflict]:
    """Days for which there are two roots, the newest finds first."""
    return tx.all(_conflicts)


def keep_roots(tx: Transaction, site: Site, host: str, given: list[GivenRoot]) -> int:
    """Keep another site's roots; how many are new. A day that we know with another root is a conflict."""
    known = {one.day: one for one in list_kept(tx, host, "", 100_000)}
    latest = clock.to_date(tx.now + clock.DAY)
    new = 0
    for one in given:
        ours = known.get(one.day)
        if ours is not None and (ours.root, ours.tip) != (one.root, one.tip):
            _report(tx, site, Conflict(host, one.day, one.root, "theirs", one.tip, one.last_seq, tx.now))
        elif ours is None and one.first_seq <= one.last_seq and one.day <= latest:
            new += tx.run(_keep, peer=host, fetched_at=tx.now, **msgspec.structs.asdict(one))
    return new


def note_confirmation(tx: Transaction, site: Site, host: str, given: list[GivenRoot]) -> None:
    """A peer has said what it keeps of ours: note it, and notice where that is not what we have."""
    days = {one.day: (one.root, one.tip) for one in given}
    differing = set(note_kept(tx, host, days))
    for one in given:
        if one.day in differing:
            _report(tx, site, Conflict(host, one.day, one.root, "ours", one.tip, one.last_seq, tx.now))


def _report(tx: Transaction, site: Site, conflict: Conflict) -> None:
    """Write a conflict down and tell those who run the site, once."""
    if not tx.run(_clash, **msgspec.structs.asdict(conflict)):
        return
    title = load_choices(tx).title
    for view, role in list_staff(tx):
        if role not in ("owner", "admin"):
            continue
        reader = find_reader(tx, view.id)
        language = reader.locale if reader.locale in i18n.LANGUAGES else i18n.LANGUAGES[0]
        _ = i18n.translations(language).gettext
        said = {
            "theirs": _(
                "%(peer)s has published another root for %(day)s than before: its record was rewritten."
            ),
            "ours": _(
                "%(peer)s keeps another root of this site for %(day)s: our record is not what it was then."
            ),
        }[conflict.whose]
        letter = Letter(
            _("A record of moderation was rewritten"),
            (
                said % {"peer": conflict.peer, "day": conflict.day},
                _("“roseau moderation verify” says where. Both roots are kept, and anybody can see them."),
            ),
            (_("See the roots"), f"{site.base_url}/transparency"),
        )
        add_job(tx, "mail", to_mail(site, title, reader, letter))
