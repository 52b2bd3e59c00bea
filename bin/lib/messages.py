"""Collects the sentences of the pages and keeps the catalogues in step; `bin/messages` runs it.

Sentences stand in templates, in calls of gettext, and in the errors that pages show to people.
"""

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from roseau.kernel import errors
from roseau.kernel.i18n import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "roseau" / "locale"
TEMPLATE = LOCALE / "roseau.pot"
_CALLS = {"_": None, "gettext": None, "ngettext": None, "pgettext": None, "npgettext": None, "mark": None}
_JINJA = {
    "silent": "false",
    "newstyle_gettext": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "extensions": "jinja2.ext.do",
}
_FAMILY = {name for name, kind in vars(errors).items() if isinstance(kind, type)}

Found = tuple[str | None, str | tuple[str, str]]


def extract() -> Catalog:
    """Every sentence of the program, in the order of the files that hold them."""
    catalog = Catalog(project="Roseau", version="1", charset="utf-8", fuzzy=False)
    for path in sorted((ROOT / "roseau").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        # Clients of the API are answered in English, as Mastodon answers them.
        if path.suffix not in (".py", ".html") or name.startswith("roseau/api/"):
            continue
        for context, message in _sentences(path):
            catalog.add(message, locations=[(name, 0)], context=context)
    return catalog


def catalogue(language: str) -> Path:
    """Where a language's catalogue is."""
    return LOCALE / language / "LC_MESSAGES" / "roseau.po"


def read(path: Path, language: str | None = None) -> Catalog:
    """A catalogue as it is on disk."""
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def update() -> None:
    """Write the template anew and bring every catalogue in step with it; no translation is guessed."""
    found = extract()
    _write(TEMPLATE, found)
    for language in LANGUAGES[1:]:
        path = catalogue(language)
        known = read(path, language) if path.exists() else Catalog(locale=language, charset="utf-8")
        known.update(found, no_fuzzy_matching=True, update_creation_date=False)
        known.obsolete.clear()
        known.fuzzy, known.project, known.version = False, found.project, found.version
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, known)


def untranslated(language: str) -> list[str]:
    """The sentences of the program that this catalogue leaves in English."""
    known = read(catalogue(language), language)
    missing = []
    for message in extract():
        if message.id:
            own = known.get(_key(message), message.context)
            if own is None or not all(_strings(own)):
                missing.append(str(_key(message)))
    return missing


def unused(language: str) -> list[str]:
    """The sentences of this catalogue that no file of the program holds."""
    found = extract()
    known = read(catalogue(language), language)
    return [str(_key(own)) for own in known if own.id and not found.get(_key(own), own.context)]


def main(arguments: list[str]) -> int:
    """What `bin/messages` does."""
    if arguments == ["update"]:
        update()
        return 0
    if arguments != ["check"]:
        sys.stderr.write("usage: bin/messages update|check\n")
        return 2
    wrong = []
    for language in LANGUAGES[1:]:
        wrong += [f"{language}: not translated: {text}" for text in untranslated(language)]
        wrong += [f"{language}: no longer used: {text}" for text in unused(language)]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def _sentences(path: Path) -> Iterator[Found]:
    with path.open("rb") as file:
        if path.suffix == ".html":
            calls = babel_extract(file, list(_CALLS), [], _JINJA)
        else:
            # Babel's own annotation has the parts of a call in another order than it yields them.
            calls = cast(Iterator[Any], extract_python(file, _CALLS, [], {}))
        for _, function, given, _ in calls:
            yield from _called(function, given)
    if path.suffix == ".py":
        yield from _errors(ast.parse(path.read_text("utf-8")))


def _called(function: str | None, given: object) -> Iterator[Found]:
    texts = [text for text in (given if isinstance(given, tuple) else (given,)) if isinstance(text, str)]
    context = texts.pop(0) if texts and function in ("pgettext", "npgettext") else None
    if len(texts) > 1 and function in ("ngettext", "npgettext"):
        yield context, (texts[0], texts[1])
    elif texts:
        yield context, texts[0]


def _errors(tree: ast.Module) -> Iterator[Found]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FAMILY:
            place = 2 if node.func.id == "Problem" else 0
            if len(node.args) > place and (text := _literal(node.args[place])):
                yield None, text
        elif isinstance(node, ast.ClassDef) and node.name in _FAMILY:
            for name, value in _assigned(node):
                if name == "sentence" and (text := _literal(value)):
                    yield None, text


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value:
            yield item.target.id, item.value
        elif isinstance(item, ast.Assign):
            target, value = item.targets[0], item.value
            # errors.py sets status, code and sentence in one line.
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for name, one in zip(target.elts, value.elts, strict=True):
                    yield ast.unparse(name), one
            else:
                yield ast.unparse(target), value


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, (list, tuple)) else message.id


def _strings(message: Message) -> list[str]:
    given = message.string
    return [text or "" for text in given] if isinstance(given, (list, tuple)) else [given or ""]


_DATED = ("POT-Creation", "PO-Revision", "Last-Translator", "Language-Team", "Generated-By", "Report-Msgid")


def _write(path: Path, catalog: Catalog) -> None:
    catalog.header_comment = "# The sentences of Roseau. `bin/messages update` keeps this file in step."
    written = BytesIO()
    write_po(written, catalog, width=110, no_location=True)
    # Without line numbers and dates a catalogue changes only where a sentence does.
    lines = written.getvalue().decode().split("\n")
    path.write_text(
        "\n".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in _DATED)))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
