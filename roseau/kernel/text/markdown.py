"""Markdown as HTML, in the same two steps as plain text: `parse`, look up who is mentioned, `render`.

CommonMark with strikethrough. HTML in the text is shown as text, an image becomes a link to it, and line
ends are kept. Mentions, hashtags and links are found in running text only, never in code or inside a link.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from roseau.kernel.html import LINK_SCHEMES, SafeHTML, clean_text, sanitise
from roseau.kernel.text.anchors import ambiguous_usernames, write_entity
from roseau.kernel.text.entities import (
    Entity,
    Hashtag,
    Link,
    Mention,
    find_entities,
    find_link_end,
    find_shortcodes,
)
from roseau.kernel.text.parsed import Parsed, ResolvedMention

_PREFORMATTED: Final = re.compile(r"(<pre>.*?</pre>)", re.DOTALL)
_LETTERS_AT_END: Final = re.compile(r"[A-Za-z]+\Z")
_LONGEST_SCHEME: Final = max(map(len, LINK_SCHEMES))


class ParsedMarkdown(Parsed):
    """A Markdown text and the parser's tokens for it."""

    tokens: list[Token]


def parse(text: str) -> ParsedMarkdown:
    """Read a Markdown text and find what it names."""
    tokens = _MARKDOWN.parse(clean_text(text).strip())
    for token in tokens:
        if token.children:
            token.children = list(_with_entities(token.children))
    inline = [child for token in tokens for child in token.children or ()]
    entities: list[Entity] = [token.meta["entity"] for token in inline if token.type == "entity"]
    words = "\n".join(token.content for token in inline if token.type == "text")
    return ParsedMarkdown(
        tokens=tokens,
        mentions=list(dict.fromkeys(entity.handle for entity in entities if isinstance(entity, Mention))),
        hashtags=list(dict.fromkeys(entity.name for entity in entities if isinstance(entity, Hashtag))),
        links=list(dict.fromkeys(_addresses(inline))),
        shortcodes=find_shortcodes(words),
    )


def render(
    parsed: ParsedMarkdown, mentions: Mapping[str, ResolvedMention], tag_url: Callable[[str], str]
) -> SafeHTML:
    """The text as HTML, sanitised; a mention that `mentions` does not know stays text."""
    ambiguous = ambiguous_usernames(parsed.mentions, mentions)
    env: EnvType = {"write": lambda entity: write_entity(entity, mentions, tag_url, ambiguous)}
    html = _MARKDOWN.renderer.render(parsed.tokens, _MARKDOWN.options, env)
    # Clients show line ends in the source as such, so that only those of preformatted text may stay.
    parts = _PREFORMATTED.split(html)
    return sanitise("".join(part if part.startswith("<pre>") else part.replace("\n", "") for part in parts))


def _with_entities(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens of a paragraph, with the entities of its running text and its images taken out."""
    depth = 0
    auto = False
    for token in tokens:
        match token.type:
            case "link_open":
                depth += 1
                auto = token.info == "auto"
                yield _entity(Link(0, 0, str(token.attrGet("href")))) if auto else token
            case "link_close":
                depth -= 1
                if not auto:
                    yield token
                auto = False
            case "text" if auto:
                continue
            case "text" if depth == 0:
                yield from _split_text(token.content)
            case "image":
                yield from _image_as_link(token, inside_link=depth > 0)
            case _:
                yield token


def _split_text(text: str) -> Iterator[Token]:
    position = 0
    for entity in find_entities(text):
        yield _text(text[position : entity.start])
        yield _entity(entity)
        position = entity.end
    yield _text(text[position:])


def _image_as_link(image: Token, *, inside_link: bool) -> Iterator[Token]:
    address = str(image.attrGet("src"))
    if inside_link:
        yield _text(image.content or address)
    elif image.content:
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield _text(image.content)
        yield Token("link_close", "a", -1)
    else:
        yield _entity(Link(0, 0, address))


def _addresses(inline: Iterable[Token]) -> Iterator[str]:
    for token in inline:
        if token.type == "link_open":
            yield str(token.attrGet("href"))
        elif token.type == "entity" and isinstance(token.meta["entity"], Link):
            yield token.meta["entity"].url


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _entity(entity: Entity) -> Token:
    return Token("entity", "", 0, meta={"entity": entity})


def _read_bare_link(state: StateInline, silent: bool) -> bool:
    """Take an address in the text as it is: the underscores and asterisks in it are no emphasis."""
    if silent or not state.src.startswith("://", state.pos):
        return False
    letters = _LETTERS_AT_END.search(state.pending[-_LONGEST_SCHEME:])
    if letters is None:
        return False
    start = state.pos - len(letters[0])
    end = find_link_end(state.src, start) if state.src.startswith(letters[0], start) else None
    if end is None:
        return False
    end = min(start + len(state.src[start:end].rstrip("_*~")), state.posMax)
    state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _render_entity(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, env: EnvType
) -> str:
    written: str = env["write"](tokens[index].meta["entity"])
    return written


def _render_rule(
    _renderer: RendererHTML, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType
) -> str:
    # A thematic break is not among the elements that travel between servers.
    return "<p>* * *</p>"


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's own name
        """Whether an address may be linked; the text stays as it was written otherwise."""
        return url.partition(":")[0].strip().lower() in LINK_SCHEMES


def _markdown() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
    markdown.inline.ruler.before("escape", "bare_link", _read_bare_link)
    markdown.add_render_rule("entity", _render_entity)
    markdown.add_render_rule("hr", _render_rule)
    return markdown


_MARKDOWN: Final = _markdown()
