"""How the sentences of the demo are kept: themes, what is said in answer, what is asked, in one language."""

import re

import msgspec

_BEFORE_HIGH = re.compile(r" ([;!?»])")
_BEFORE_COLON = re.compile(r" :(?= |$)")


class Theme(msgspec.Struct, frozen=True):
    """Something people talk about: openings, what may follow them, hashtags. `{slot}` is filled in."""

    tags: tuple[str, ...]
    openings: tuple[str, ...]
    sequels: tuple[str, ...]


class Question(msgspec.Struct, frozen=True):
    """A poll."""

    text: str
    options: tuple[str, ...]
    multiple: bool = False


class Wording(msgspec.Struct, frozen=True):
    """Everything that is said in one language."""

    language: str
    slots: dict[str, tuple[str, ...]]
    themes: tuple[Theme, ...]
    answers: tuple[str, ...]
    continuations: tuple[str, ...]
    questions: tuple[Question, ...]
    #: A content warning, and a text under it.
    warned: tuple[tuple[str, str], ...]
    private: tuple[str, ...]
    asides: tuple[str, ...]
    bios: tuple[str, ...]
    #: What is in a picture, by the name of the scene.
    pictures: dict[str, str]


def typeset(text: str) -> str:
    """French spaces before high punctuation, which an editor would not show."""
    return _BEFORE_COLON.sub("\u00a0:", _BEFORE_HIGH.sub("\u202f\\1", text).replace("« ", "«\u202f"))


def typeset_all(wording: Wording) -> Wording:
    """The same for every sentence."""
    builtins = msgspec.to_builtins(wording)
    return msgspec.convert(_walk(builtins), Wording)


def _walk(value: object) -> object:
    if isinstance(value, str):
        return typeset(value)
    if isinstance(value, dict):
        return {name: _walk(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(inner) for inner in value]
    return value
