"""After a promotion: pointing the site's names at this machine, by the hook in the setting `dns_hook`."""

import logging
import time
from pathlib import Path

from roseau.domain.names import list_names
from roseau.domain.site import Site
from roseau.storage.database import Database
from roseau.survival.addresses.dns import HookFailed, open_hook
from roseau.survival.addresses.names import list_hosts
from roseau.survival.reeds.roster import load_state, save_state

log = logging.getLogger("roseau.survival")

TRIES = 10
LONGEST_PAUSE = 30.0


def point_names_here(database: Database, site: Site, folder: Path) -> str:
    """Point the names here if a promotion has left that to do; a sentence about it, or nothing.

    Takes as long as the name servers do: for a thread of its own.
    """
    state = load_state(folder)
    if not state.pointing:
        return ""
    settings = site.settings
    if not settings.dns_hook or not settings.public_address:
        return _say(
            "names_by_hand", "Point the site's names at this machine by hand: `roseau dns point` helps."
        )
    hosts = list_hosts(database.read_now(list_names, site))
    for attempt in range(TRIES):
        try:
            changes = open_hook(settings.dns_hook).point(hosts, settings.public_address)
        except HookFailed as error:
            log.warning("names_not_pointed attempt=%d reason=%s", attempt + 1, error)
            time.sleep(min(2.0**attempt, LONGEST_PAUSE))
            continue
        state = load_state(folder)
        state.pointing = False
        save_state(folder, state)
        names = ", ".join(sorted({change.name for change in changes})) or "every name already"
        return _say("names_pointed", f"Pointed at {settings.public_address}: {names}.")
    return _say("names_given_up", "The names could not be pointed here; `roseau dns point` tries again.")


def _say(event: str, sentence: str) -> str:
    log.warning("%s %s", event, sentence)
    return sentence
