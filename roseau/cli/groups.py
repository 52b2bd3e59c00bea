"""How every command is made: `--data` before or after its name, and modules that are read when called."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from roseau.settings import Settings, load_settings

_DATA = "roseau.data"


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        # Contexts inside one another share this dictionary, so the last place that names a folder wins.
        context.meta[_DATA] = value


def _data_option() -> click.Option:
    return click.Option(
        ["--data"],
        metavar="DIR",
        expose_value=False,
        callback=_remember,
        help="The data folder: database, secrets and media.  [default: ./data]",
    )


def _read_command(module: str) -> click.Command:
    # Among modules that are being read there is no garbage, and looking for it takes a tenth of the start.
    gc.disable()
    command: click.Command = import_module(f"roseau.cli.{module}").command
    gc.enable()
    gc.freeze()
    return command


def settings_of(context: click.Context, **flags: Any) -> Settings:
    """The settings in force for this call. Raises WrongSetting."""
    return load_settings(flags_of(context, **flags))[0]


def flags_of(context: click.Context, **flags: Any) -> dict[str, Any]:
    """The flags that are settings, with the data folder wherever it was named."""
    return {"data": context.meta.get(_DATA), **flags}


class Command(click.Command):
    """A command that takes `--data`."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.params.append(_data_option())


class LazyGroup(click.Group):
    """A group that takes `--data`, and reads the module of a command when it is called.

    `commands_in` maps each command to its module in `roseau.cli`, where it is named `command`.
    """

    command_class = Command

    def __init__(self, *args: Any, commands_in: Mapping[str, str] | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._modules = dict(commands_in or {})
        self.params.append(_data_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of their table."""
        return [*self._modules, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name in self._modules and cmd_name not in self.commands:
            return _read_command(self._modules[cmd_name])
        return super().get_command(ctx, cmd_name)
