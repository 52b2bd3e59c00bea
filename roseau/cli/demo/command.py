"""`roseau demo`: fill an empty site with a lively community, the same for the same seed."""

from datetime import datetime
from pathlib import Path
from random import Random

import click

from roseau.cli.demo.community import Community
from roseau.cli.demo.filling import Filler, is_empty
from roseau.cli.demo.finishing import finish
from roseau.cli.demo.gallery import draw_gallery
from roseau.cli.demo.living import Life
from roseau.cli.demo.people import OWNER
from roseau.cli.groups import Command, settings_of
from roseau.cli.progress import progress_of
from roseau.cli.working import Opened, make_folder, opened_site
from roseau.domain.site import choose
from roseau.kernel import clock, keys
from roseau.storage.database import Transaction
from roseau.storage.lease import take_lease
from roseau.storage.stores.copies import open_blobs

#: Known to everyone who reads this: a demo is for looking at, not for living in.
PASSWORD = "roseau-demo"  # noqa: S105
STEPS = ("address", "look", "mail", "rules", "owner")


@click.command("demo", cls=Command)
@click.option(
    "--accounts", type=click.IntRange(3, 100_000), default=40, show_default=True, help="How many people."
)
@click.option(
    "--statuses", type=click.IntRange(0, 10_000_000), default=400, show_default=True, help="How many posts."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another community.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="The end of the ninety days it has lived, in UTC.  [default: the last full hour]",
)
@click.pass_context
def command(context: click.Context, accounts: int, statuses: int, seed: int, until: datetime | None) -> None:
    """Fill an empty site with a lively community.

    People who follow each other, posts in French and English with pictures that the program draws,
    threads, boosts, favourites, polls, lists, private conversations. The same seed and --until make the
    same community, down to the ids; only secrets differ. Its owner can sign in with a password that
    everybody knows, so do not show a demo to the internet.

    \b
    For measuring:
      roseau demo --accounts 5000 --statuses 200000
    """
    end = clock.now() // clock.HOUR * clock.HOUR
    if until is not None:
        end = clock.from_iso(until.isoformat())
    settings = settings_of(context)
    folder = make_folder(settings)
    with take_lease(folder), opened_site(settings) as opened:
        if not opened.database.read_now(is_empty):
            raise click.ClickException(f"{folder} has accounts already. Name an empty folder with --data.")
        _fill(opened, folder, accounts, statuses, seed, end)
        print(f"{folder} holds {accounts} people and {statuses} posts. Start it with `roseau serve`;")
        print(f"sign in as {OWNER}@{_mail_domain(opened)} with the password {PASSWORD}")


def _fill(opened: Opened, folder: Path, accounts: int, statuses: int, seed: int, until: int) -> None:
    # Pictures have a source of their own, so that the same people say the same whatever is drawn.
    given = opened.site.settings
    blobs = open_blobs(folder / "media", given.media_stores, given.media_copies)
    gallery = draw_gallery(Random(seed), blobs, accounts, statuses)  # noqa: S311
    rows = Filler(opened.database)
    community = Community(Random(seed), opened.site.base_url, rows, until)  # noqa: S311
    community.settle(accounts, keys.hash_password(PASSWORD), _mail_domain(opened), gallery)
    community.befriend()
    with progress_of("Living") as report:
        Life(community, gallery).live(statuses, report)
    with progress_of("Laying out timelines") as report:
        finish(community, report)
    rows.count()
    opened.database.write_now(_introduce, community.people[0].id)


def _mail_domain(opened: Opened) -> str:
    return opened.site.domain.partition(":")[0]


def _introduce(tx: Transaction, owner_id: int) -> None:
    choose(
        tx,
        owner_id,
        title="La Rive",
        short_description="Un coin de réseau, deux langues. · A corner of the network, two languages.",
        description="Un site de démonstration : tout y est inventé, sauf le logiciel.",
        registrations="approval",
        contact_users="bonjour@larive.example",
        contact_authorities="autorites@larive.example",
        contact_languages=("fr", "en"),
        done=STEPS,
    )
