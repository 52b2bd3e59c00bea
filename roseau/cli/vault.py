"""`roseau vault`: a vault begun, listed and verified."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.progress import progress_of
from roseau.cli.recovery import read_words, words_option
from roseau.kernel import clock
from roseau.kernel.words import from_words
from roseau.storage.secrets import recovery_sealing_key
from roseau.survival.vault.names import Volume, blobs_prefix, sort_volumes
from roseau.survival.vault.shelf import Missing, ShelfAway, open_shelf, place_of
from roseau.survival.vault.verifying import verify_vault

address_argument = click.argument("address", required=False)


@click.group("vault", cls=LazyGroup)
def command() -> None:
    """Begin, list and verify vaults.

    A vault is a folder or an S3-compatible bucket in which sealed copies of the site lie, from which any
    moment of the last days can be restored: `roseau restore --from`. Only the nine words of the recovery
    key open them. The server keeps the vaults that the setting `vaults` names; ADDRESS is a folder or
    s3://KEY:SECRET@bucket/prefix?endpoint=https://…&region=….
    """


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except ShelfAway as error:
        raise click.ClickException(str(error)) from error


def _addresses(context: click.Context, address: str | None) -> tuple[str, ...]:
    """The vault that is named, else those of the settings. Raises ClickException when there is none."""
    found = (address,) if address else settings_of(context).vaults
    if not found:
        raise click.ClickException("No vault is set. Name one here, or in the setting `vaults`.")
    return found


@command.command("init")
@click.argument("address")
def init(address: str) -> None:
    """Begin a vault at ADDRESS: make the folder, and try to write, read and delete there.

    \b
    Example:
      roseau vault init /mnt/friend/vault
    """
    with _reached():
        if not address.startswith("s3:"):
            Path(address).mkdir(mode=0o700, parents=True, exist_ok=True)
        shelf = open_shelf(address)
        name, written = f"try/{secrets.token_hex(8)}", secrets.token_bytes(64)
        shelf.put(name, [written])
        try:
            read = b"".join(shelf.read(name))
        except Missing:
            read = b""
        shelf.delete(name)
    if read != written:
        raise click.ClickException(f"{shelf.place} does not give back what was written there.")
    print(f"{shelf.place} can be used. Add it to the setting `vaults` and start the server anew.")


@command.command("list")
@address_argument
@click.pass_context
def list_(context: click.Context, address: str | None) -> None:
    """List what lies in a vault, or in all of them.

    For each unbroken stretch of the log, separated by tabs: the vault, the first and the last moment that
    can be restored, its first and last commit, base copies, and bytes. No words are needed.
    """
    with _reached():
        for wanted in _addresses(context, address):
            shelf = open_shelf(wanted)
            items = list(shelf.list())
            for volume in sort_volumes(items):
                print("\t".join((shelf.place, *_to_columns(volume))))
            pictures = [
                item for item in items if item.name.startswith(blobs_prefix(item.name.partition("/")[0]))
            ]
            size = sum(item.size for item in pictures)
            print(f"{shelf.place}\t{len(pictures)} pictures\t{size}")


def _to_columns(volume: Volume) -> tuple[str, ...]:
    items = volume.items()
    number = max([base.number for base in volume.bases] + [known.number for known in volume.generations])
    first = volume.bases[0] if volume.bases else None
    return (
        clock.to_iso(first.at) if first else "-",
        clock.to_iso(max(item.modified_at for item in items)),
        str(first.number) if first else "-",
        str(number),
        str(len(volume.bases)),
        str(sum(item.size for item in items)),
    )


@command.command("verify")
@address_argument
@click.option(
    "--open", "opened", is_flag=True, help="Open everything, with the nine words of the recovery key."
)
@words_option
@click.pass_context
def verify(context: click.Context, address: str | None, opened: bool, words_from: str | None) -> None:
    """Read everything in a vault back, or in all of them, and look for damage and gaps.

    Without the words, damage is found by checksums that whoever keeps the vault could have made anew; with
    --open nothing that was altered passes. Ends with status 1 when something is wrong.
    """
    addresses = _addresses(context, address)
    private = recovery_sealing_key(from_words(read_words(words_from))) if opened or words_from else None
    wrong = 0
    for wanted in addresses:
        with _reached(), progress_of(f"Verifying {place_of(wanted)}") as report:
            found = verify_vault(open_shelf(wanted), private, report)
        for sentence in found.wrong:
            print(sentence)
        wrong += len(found.wrong)
        done = "opened" if private else "read back"
        print(f"{place_of(wanted)}: {found.objects} objects with {found.bytes} bytes were {done}.")
        if private and not found.objects:
            raise click.ClickException(f"These words open nothing in {place_of(wanted)}.")
    if wrong:
        raise click.ClickException("One thing is wrong." if wrong == 1 else f"{wrong} things are wrong.")
