"""The words of a PDF as reportlab writes them, so that a pack can be read back without another library."""

import base64
import re
import zlib

_OBJECT = re.compile(rb"^(\d+) 0 obj\s(.*?)\sendobj$", re.DOTALL | re.MULTILINE)
_STREAM = re.compile(rb"\sstream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_TOKEN = re.compile(rb"/(F[\d+]+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def read_pdf(document: bytes) -> str:
    """All text, page after page, without any white space: a line that was broken is whole again."""
    objects = {int(number): body for number, body in _OBJECT.findall(document)}
    fonts = {
        name.decode(): _to_letters(_find(objects, body, b"ToUnicode"))
        for resources in objects.values()
        for name, number in re.findall(rb"/(F[\d+]+) (\d+) 0 R", resources)
        if b"/ToUnicode" in (body := objects[int(number)])
    }
    kids = next(body for body in objects.values() if b"/Kids" in body)
    pages = [int(one) for one in re.findall(rb"(\d+) 0 R", kids.split(b"/Kids")[1].split(b"]")[0])]
    said = [_read_page(_find(objects, objects[page], b"Contents"), fonts) for page in pages]
    return "".join("".join(said).split())


def _find(objects: dict[int, bytes], body: bytes, name: bytes) -> bytes:
    """The stream that an object names, unpacked."""
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found
    target = objects[int(found[1])]
    stream = _STREAM.search(target)
    assert stream
    data = stream[1]
    if b"ASCII85Decode" in target:
        data = base64.a85decode(data.strip().removesuffix(b"~>"))
    return zlib.decompress(data)


def _to_letters(table: bytes) -> dict[int, str]:
    """What the bytes of a font stand for."""
    letters: dict[int, str] = {}
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, given in re.findall(rb"<(\w+)>\s*<(\w+)>\s*(\[.*?\]|<\w+>)", block, re.DOTALL):
            codes = re.findall(rb"<(\w+)>", given)
            for step, code in enumerate(range(int(first, 16), int(last, 16) + 1)):
                start = int(codes[step if len(codes) > 1 else 0], 16)
                letters[code] = chr(start if len(codes) > 1 else start + step)
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, letter in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
            letters[int(code, 16)] = chr(int(letter, 16))
    return letters


def _read_page(content: bytes, fonts: dict[str, dict[int, str]]) -> str:
    said, font = [], ""
    for name, text in _TOKEN.findall(content):
        if name:
            font = name.decode()
            continue
        plain = _ESCAPE.sub(_unescape, text)
        letters = fonts.get(font)
        said.append("".join(letters.get(byte, "?") for byte in plain) if letters else plain.decode("latin-1"))
    return "".join(said)


def _unescape(found: re.Match[bytes]) -> bytes:
    one = found[1]
    return bytes([int(one, 8) & 255]) if one.isdigit() else _NAMED.get(one, one)
