"""`roseau`: the table of commands, and how any of them says that it failed.

A command's module is read when the command is called, so that none waits for the libraries of another.
"""

import os
import signal
import sys

import click

from roseau import __version__
from roseau.cli.groups import LazyGroup
from roseau.kernel.errors import RoseauError
from roseau.settings import WrongSetting
from roseau.storage.lease import InUse

USAGE, FAILURE = 2, 1


@click.group(
    cls=LazyGroup,
    commands_in={
        "serve": "serve",
        "init": "init",
        "account": "account",
        "token": "token",
        "app": "app",
        "demo": "demo.command",
        "check": "check",
        "backup": "backup",
        "restore": "restore",
        "reed": "reed.command",
        "status": "status",
        "promote": "promote",
        "demote": "demote",
        "switch": "switch",
        "vault": "vault",
        "recovery": "recovery",
        "names": "names",
        "dns": "dns",
        "drill": "drill",
        "rehearse": "rehearse",
        "media": "media",
        "evidence": "evidence",
        "mirror": "mirror",
        "moderation": "moderation",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="roseau", message="%(prog)s %(version)s")
def roseau() -> None:
    """A social network that runs with one command.

    `roseau serve` starts it, and makes everything it needs in the data folder the first time. The other
    commands can be used while it runs: what they change goes through the running server.

    Settings are read from roseau.toml in the data folder, from ROSEAU_… variables and, by `serve`, from
    flags; `roseau check` shows those in force.
    """


def main() -> None:
    """Run the command line; ends the process with 0, 1 (it failed) or 2 (it was called wrongly)."""
    status: object = 0
    try:
        status = roseau.main(prog_name="roseau", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        status = USAGE
    except click.UsageError as error:
        status = _say(_usage(error), USAGE)
    except click.ClickException as error:
        status = _say(error.format_message(), FAILURE)
    except WrongSetting as error:
        status = _say(str(error), USAGE)
    except InUse as error:
        status = _say(f"{error} Wait until it has finished, or stop it.", FAILURE)
    except RoseauError as error:
        status = _say(str(error), FAILURE)
    except UnicodeError:
        status = _say("what was given is not text in UTF-8.", USAGE)
    except (click.Abort, KeyboardInterrupt):
        status = _say("stopped", 128 + signal.SIGINT)
    except BrokenPipeError:
        # Whoever reads us (`| head`) has enough. Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:
        status = _say(f"{error.filename or 'this machine'}: {error.strerror or error}", FAILURE)
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "roseau"
    message = error.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else '.'} `{path} --help` says more."


def _say(sentence: str, status: int) -> int:
    print("roseau:", " ".join(sentence.split()), file=sys.stderr)
    return status
