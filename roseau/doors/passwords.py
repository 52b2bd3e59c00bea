"""Passwords at the doors: hashed and verified in threads of their own, and tried only so often.

Argon2 takes tens of milliseconds and 19 MiB on purpose: two at a time keep the event loop free and the
memory within bounds.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from roseau.domain.accounts.signin import Login, Proven, find_login, find_login_of, wrong_password
from roseau.doors.limits import SIGN_INS
from roseau.doors.server import Server
from roseau.kernel import keys

T = TypeVar("T")

_hashers = ThreadPoolExecutor(2, "argon2")


async def hash_password(password: str) -> str:
    """What is stored of a password."""
    return await _in_thread(lambda: keys.hash_password(password))


async def prove_password(server: Server, name: str, password: str, address: str) -> Proven:
    """The member with that name (or mail address) and password; `address` is the client's, for the limits.

    Raises Invalid, in the same words and after the same time whether the name or the password is wrong;
    TooMany when either the name or the address was tried too often.
    """
    count_attempt(server, address)
    count_attempt(server, f"name {name.strip().lower()[:100]}")
    return await _prove(await server.database.read(find_login, name), password)


async def prove_own_password(server: Server, account_id: int, password: str) -> Proven:
    """The signed-in member, who gave the password again before a grave change. Raises Invalid, TooMany."""
    count_attempt(server, f"account {account_id}")
    return await _prove(await server.database.read(find_login_of, account_id), password)


def count_attempt(server: Server, who: str) -> None:
    """Count one attempt to sign in, with a password or a code. Raises TooMany."""
    if server.settings.rate_limits:
        server.counter.spend(SIGN_INS, who)


async def _prove(login: Login, password: str) -> Proven:
    if not await _in_thread(lambda: keys.verify_password(login.password_hash, password)):
        raise wrong_password()
    return Proven(login.account_id, login.password_hash)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hashers, work)
