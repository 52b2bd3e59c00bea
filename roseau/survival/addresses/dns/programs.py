"""Running a program of somebody else's for a hook: with little of our environment, and not for ever."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from roseau.survival.addresses.dns import HookFailed

PATIENCE_SECONDS: Final = 60.0
_SHOWN: Final = 500
#: What a program may need from where it runs; settings and secrets of ours are not among it.
_PASSED_ON: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
)


def run_program(words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What the program prints. Raises HookFailed with what it says on standard error."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    name = os.path.basename(words[0])
    try:
        done = subprocess.run(
            words,
            env=kept | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise HookFailed(
            f"{name} did not finish within {PATIENCE_SECONDS:.0f} seconds.", passing=True
        ) from None
    except OSError as error:
        raise HookFailed(f"{words[0]} cannot be run: {error.strerror or error}.") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it says nothing about it"]
        # Of a traceback, the last line is for people.
        said = " ".join(" ".join(lines[-1:] if lines[0].startswith("Traceback") else lines).split())[-_SHOWN:]
        raise HookFailed(f"{name} failed with status {done.returncode}: {said}", passing=True)
    return done.stdout
