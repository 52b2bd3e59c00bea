"""`roseau dns`: point the site's names at another machine as a promotion does, and see whether it works."""

import socket

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.operations import LIST_NAMES, Nothing
from roseau.settings import Settings
from roseau.survival.addresses.dns import Hook, HookFailed, open_hook
from roseau.survival.addresses.names import list_hosts


@click.group("dns", cls=LazyGroup)
def command() -> None:
    """Point the names of the site at a machine, through the setting dns_hook.

    A promotion does it by itself when dns_hook is set.
    """


@command.command("point")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="IPv4 or IPv6; or IPv4,IPv6.")
@click.option("--name", "names", multiple=True, help="Only this name; may be given several times.")
@click.option("--dry-run", is_flag=True, help="Say what would be changed, and change nothing.")
@click.pass_context
def point(context: click.Context, address: str, names: tuple[str, ...], dry_run: bool) -> None:
    """Point the site's domain and aliases at an address; prints what was changed, a line each.

    Records that lead elsewhere are removed, of both kinds: with an IPv4 address alone, the old machine's
    IPv6 address goes too. Names that no hook is for are left as they are, and said.

    \b
    Examples:
      roseau dns point --to 203.0.113.7 --dry-run
      roseau dns point --to 203.0.113.7,2001:db8::7
    """
    settings = settings_of(context)
    hook = _open(settings)
    hosts = [name.lower().rstrip(".") for name in names] or _hosts(settings)
    try:
        changes = hook.point(hosts, address, dry_run=dry_run)
    except HookFailed as error:
        raise click.ClickException(str(error)) from None
    for change in changes:
        print(change.name, change.kind, f"{_words(change.before)} -> {_words(change.after)}", sep="\t")
    if not changes:
        print("Nothing to change.")
    _say_uncovered(hook, hosts)


@command.command("check")
@click.pass_context
def check(context: click.Context) -> None:
    """See whether dns_hook would work, without changing anything, and what the names resolve to from here."""
    settings = settings_of(context)
    hook = _open(settings)
    hosts = _hosts(settings)
    try:
        said = hook.check()
    except HookFailed as error:
        raise click.ClickException(str(error)) from None
    for sentence in said:
        print(sentence)
    for host in hosts:
        print(host, _resolve(host), sep="\t")
    _say_uncovered(hook, hosts)


def _open(settings: Settings) -> Hook:
    try:
        return open_hook(settings.dns_hook)
    except HookFailed as error:
        raise click.ClickException(str(error)) from None


def _hosts(settings: Settings) -> list[str]:
    names = perform(settings, LIST_NAMES, Nothing())
    hosts = list_hosts(names)
    if not hosts:
        raise click.ClickException("The site has no name that DNS knows: its address is one of this machine.")
    return hosts


def _say_uncovered(hook: Hook, hosts: list[str]) -> None:
    for host in hook.uncovered(hosts):
        print(f"{host} is in no zone of dns_hook: point it by hand.")


def _words(records: tuple[str, ...] | None) -> str:
    return "?" if records is None else ",".join(records) or "-"


def _resolve(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return f"does not resolve: {error.strerror or error}"
    return ",".join(sorted({str(entry[4][0]) for entry in found}))
