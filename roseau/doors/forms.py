"""Parameters from outside become typed structs: query, JSON, forms and multipart, in every shape.

`read_form` merges query and body into one nested dictionary (as Rails does, so as Mastodon's clients
expect), `to_struct` turns it into a msgspec struct. Whatever cannot be read is a `BadRequest`.
"""

import json
import types
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from roseau.doors.multipart import Upload, read_multipart
from roseau.kernel.errors import BadRequest, Invalid, TooLarge, UnsupportedType
from roseau.kernel.ids import MAX_ID

T = TypeVar("T")

#: A body that is not a file: longer than the longest post with everything on it.
MAX_BODY = 1024 * 1024
MAX_FIELDS = 1_000
MAX_DEPTH = 6
_TRUE = frozenset(("1", "true", "t", "yes", "y", "on"))
_FALSE = frozenset(("0", "false", "f", "no", "n", "off", ""))


async def read_form(
    request: Request,
    max_file: int = 0,
    max_files: int = 0,
    *,
    forgiving: bool = False,
    pictures: bool = True,
) -> dict[str, Any]:
    """All parameters of a request, nested; files, which are pictures, as `Upload`. `max_file` is in bytes.

    `forgiving`: a file that is refused comes with its `error`, beside all the rest. `pictures` False: files
    may be anything.
    Raises BadRequest, TooLarge, UnsupportedType, and for files ImageRefused and Unavailable.
    """
    pairs: list[tuple[str, Any]] = list(parse_pairs(request.scope["query_string"]))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: dict[str, Any] = {}
    if kind == "multipart/form-data":
        parts = await read_multipart(
            request, MAX_BODY, max_file, max_files, forgiving=forgiving, pictures=pictures
        )
        for name, value in parts:
            _check_text(name)
            if isinstance(value, str):
                _check_text(value)
        pairs += parts
    else:
        raw = await read_body(request, MAX_BODY)
        if not raw:
            pass
        elif kind == "application/json" or kind.endswith("+json"):
            body = _read_json(raw)
        elif kind in ("application/x-www-form-urlencoded", ""):
            pairs += parse_pairs(raw)
        else:
            raise UnsupportedType("This server reads JSON and forms here, nothing else.")
    return _nest(pairs) | {name: _listed(value) for name, value in body.items()}


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is more than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise TooLarge
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise BadRequest("The body is incomplete.") from error
    return b"".join(chunks)


def _read_json(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest("The body is not JSON that can be read.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body has to be a JSON object.")
    _check_json(value, 0)
    return value


def _check_json(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadRequest("The body is nested too deep.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_json(inner, depth + 1)


def _check_text(text: str) -> None:
    """No database keeps NUL, and half a surrogate pair is not text."""
    if "\0" in text:
        raise BadRequest("Text cannot hold the character NUL.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequest("The text is not valid UTF-8.") from error


def parse_pairs(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a query or an urlencoded body. Raises BadRequest."""
    if not raw:
        return []
    try:
        pairs = parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest("The parameters could not be read; they have to be UTF-8.") from error
    for name, value in pairs:
        _check_text(name)
        _check_text(value)
    return pairs


def _nest(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """`poll[options][]=a` becomes `{"poll": {"options": ["a"]}}`."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        path = [head, *(part.rstrip("]") for part in rest.split("["))] if bracket else [head]
        if len(path) > MAX_DEPTH:
            raise BadRequest("The parameters are nested too deep.")
        _put(root, path, value)
    return {name: _listed(value) for name, value in root.items()}


def _put(node: dict[str, Any], path: list[str], value: Any) -> None:
    """Set the value at its place; `[]` in the middle opens a new member when the last one has that key."""
    for position, part in enumerate(path[:-1]):
        after = path[position + 1]
        if after == "":
            members = node.setdefault(part, [])
            if not isinstance(members, list):
                raise BadRequest(f"{part}[] is both a list and something else.")
            if position + 2 == len(path):
                members.append(value)
                return
            key = path[position + 2]
            if not members or not isinstance(members[-1], dict) or key in members[-1]:
                members.append({})
            _put(members[-1], path[position + 2 :], value)
            return
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise BadRequest(f"{part} is both a value and a group of values.")
    node[path[-1]] = value


def _listed(value: Any) -> Any:
    """A group whose keys are all numbers is a list: `fields_attributes[0][name]`."""
    if isinstance(value, dict):
        if value and all(name.isascii() and name.isdigit() for name in value):
            return [_listed(value[name]) for name in sorted(value, key=lambda name: (len(name), name))]
        return {name: _listed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_listed(inner) for inner in value]
    return value


# From the dictionary to the struct


def to_struct(values: dict[str, Any], struct: type[T]) -> T:
    """Read the parameters as `struct`: unknown ones are ignored, words become numbers and truths.

    Raises Invalid, naming the parameter that does not fit.
    """
    try:
        return msgspec.convert(_soften(values, struct), struct, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        name = place.strip("`.") or "parameters"
        raise Invalid(f"Validation failed: {name} is invalid ({message[0].lower()}{message[1:]})") from None


@cache
def _hints(struct: type) -> dict[str, Any]:
    return get_type_hints(struct, include_extras=False)


def _soften(values: Any, struct: type) -> dict[str, Any]:
    """Meet clients half-way: "0" is false, one value may stand for a list of one, "" for nothing."""
    if not isinstance(values, dict):
        raise Invalid("Validation failed: a group of parameters was expected")
    names = {field.encode_name: field.name for field in msgspec.structs.fields(struct)}
    hints = _hints(struct)
    softened: dict[str, Any] = {}
    for outside, value in values.items():
        name = names.get(outside)
        if name is None:
            continue
        if (soft := _soften_value(value, hints[name])) is not msgspec.UNSET:
            softened[outside] = soft
    return softened


def _soften_value(value: Any, hint: Any) -> Any:
    """The value as the type wants it; UNSET for one that says nothing, so that the default holds."""
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member not in (type(None), msgspec.UnsetType)]
        optional = type(None) in get_args(hint)
        hint = members[0] if len(members) == 1 else hint
    nothing = None if optional else msgspec.UNSET
    if value is None:
        return nothing
    if get_origin(hint) in (list, tuple):
        inner = get_args(hint)[0]
        items = value if isinstance(value, list) else [value]
        return [soft for item in items if (soft := _soften_value(item, inner)) is not msgspec.UNSET]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _soften(value, hint)
    if value == "" and (
        hint in (int, float, Upload) or (get_origin(hint) is Literal and "" not in get_args(hint))
    ):
        return nothing
    return _soften_scalar(value, hint)


def _soften_scalar(value: Any, hint: Any) -> Any:
    if hint is bool:
        if isinstance(value, str):
            word = value.strip().lower()
            return True if word in _TRUE else False if word in _FALSE else value
        return bool(value) if isinstance(value, int) else value
    if hint is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    if hint is int:
        return _soften_number(value)
    return value


def _soften_number(value: Any) -> Any:
    """Digits become a number. Raises Invalid for one that no column can hold."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits.isascii() or not digits.removeprefix("-").isdigit():
            return value
        value = int(digits[:24])
    if isinstance(value, (int, float)) and not -MAX_ID <= value <= MAX_ID:
        raise Invalid("Validation failed: a number is larger than any that is known here")
    return value
