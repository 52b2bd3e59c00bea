"""Asking several machines the same, at once: for promises, for what they have lost, for their logs."""

import asyncio
import logging
import ssl
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.messages import Message
from roseau.survival.reeds.roster import Machine

log = logging.getLogger("roseau.survival")

ANSWER_SECONDS = 5.0

M = TypeVar("M", bound=Message)


def to_reason(error: BaseException) -> str:
    """Why a machine could not be asked, for its operator."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, ssl.SSLError):
        return "it does not know this machine, or is another one"
    return str(error) or type(error).__name__


class Answers(msgspec.Struct, Generic[M]):
    """Answers by machine id, the highest epoch that stands against it, and who was silent, by name."""

    promised: dict[str, M] = {}
    overtaken: messages.Superseded | None = None
    silent: dict[str, str] = {}


async def ask_all(
    identity: Identity, machines: Iterable[Machine], epoch: int, question: Message, kind: type[M]
) -> Answers[M]:
    """Ask each machine; whoever does not answer in five seconds has not."""
    answers: Answers[M] = Answers({}, None, {})

    async def ask(machine: Machine) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                line = await wire.call(identity, machine, epoch, "ask")
                try:
                    answers.promised[machine.id] = await line.ask(question, kind)
                finally:
                    line.close()
        except wire.Overtaken as overtaken:
            if answers.overtaken is None or overtaken.notice.epoch > answers.overtaken.epoch:
                answers.overtaken = overtaken.notice
        except (wire.Refused, OSError, ssl.SSLError, ValueError) as error:
            answers.silent[machine.name] = to_reason(error)
            log.info("no_answer machine=%s error=%r", machine.name, error)

    async with asyncio.TaskGroup() as group:
        for machine in machines:
            group.create_task(ask(machine))
    return answers
