"""Plain text and Markdown as HTML."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.html import SafeHTML, clean_text, plain_text, sanitise
from roseau.kernel.text import markdown, plain
from roseau.kernel.text.anchors import write_link
from roseau.kernel.text.parsed import ResolvedMention

ALICE = ResolvedMention("https://roseau.example/@alice", "alice", "alice")
BOB = ResolvedMention("https://ailleurs.example/@bob", "bob", "bob@ailleurs.example")
OTHER_ALICE = ResolvedMention("https://ailleurs.example/@alice", "Alice", "Alice@ailleurs.example")
KNOWN = {
    "alice": ALICE,
    "alice@roseau.example": ALICE,
    "bob@ailleurs.example": BOB,
    "alice@ailleurs.example": OTHER_ALICE,
}


def tag_url(name: str) -> str:
    return f"https://roseau.example/tags/{name.lower()}"


def render_plain(text: str) -> SafeHTML:
    return plain.render(plain.parse(text), KNOWN, tag_url)


def render_markdown(text: str) -> SafeHTML:
    return markdown.render(markdown.parse(text), KNOWN, tag_url)


def mention(name: str, url: str) -> str:
    anchor = f'<a href="{url}" class="u-url mention">@<span>{name}</span></a>'
    return f'<span class="h-card" translate="no">{anchor}</span>'


def forced(html: str) -> str:
    """What the sanitiser makes of the link of a mention or a hashtag."""
    added = ' target="_blank" rel="nofollow noopener">'
    html = html.replace('hashtag" rel="tag">', f'hashtag"{added}')
    return html.replace('mention">', f'mention"{added}')


AT_ALICE = mention("alice", "https://roseau.example/@alice")
AT_BOB = mention("bob", "https://ailleurs.example/@bob")
TAG = '<a href="https://roseau.example/tags/été" class="mention hashtag" rel="tag">#<span>Été</span></a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("text", "<p>text</p>"),
        ("a\nb\r\nc", "<p>a<br />b<br />c</p>"),
        ("a\n\nb\n\n\n\nc\n", "<p>a</p><p>b</p><p>c</p>"),
        ("""<script>alert("l'été")</script> & co""",
         "<p>&lt;script&gt;alert(&quot;l&#39;été&quot;)&lt;/script&gt; &amp; co</p>"),
        ("@alice et @Bob@ailleurs.example.", f"<p>{AT_ALICE} et {AT_BOB}.</p>"),
        ("@alice @alice@roseau.example", f"<p>{AT_ALICE} {AT_ALICE}</p>"),
        ("@nobody @Nobody@Example.org", "<p>@nobody @Nobody@Example.org</p>"),
        ("@alice @alice@ailleurs.example",
         f"<p>{AT_ALICE} {mention('Alice@ailleurs.example', 'https://ailleurs.example/@alice')}</p>"),
        ("#Été", f"<p>{TAG}</p>"),
        ("*no* _markdown_ `here`", "<p>*no* _markdown_ `here`</p>"),
    ],
)  # fmt: skip
def test_plain(text: str, html: str) -> None:
    assert render_plain(text) == html


def link(href: str, prefix: str, shown: str, rest: str = "") -> str:
    return (
        f'<a href="{href}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{prefix}</span><span class="{"ellipsis" if rest else ""}">{shown}</span>'
        f'<span class="invisible">{rest}</span></a>'
    )


@pytest.mark.parametrize(
    ("url", "html"),
    [
        ("https://a.bc", link("https://a.bc", "https://", "a.bc")),
        ("http://www.a.bc/", link("http://www.a.bc/", "http://www.", "a.bc/")),
        ("gemini://a.bc", link("gemini://a.bc", "", "gemini://a.bc")),
        ("xmpp:a@b.cd", link("xmpp:a@b.cd", "xmpp:", "a@b.cd")),
        ("https://a.bc/" + "x" * 25, link("https://a.bc/" + "x" * 25, "https://", "a.bc/" + "x" * 25)),
        ("https://a.bc/" + "x" * 26, link("https://a.bc/" + "x" * 26, "https://", "a.bc/" + "x" * 26)),
        ("https://a.bc/" + "x" * 27, link("https://a.bc/" + "x" * 27, "https://", "a.bc/" + "x" * 25, "xx")),
        ("https://a.bc/?a=1&b='", link("https://a.bc/?a=1&amp;b=&#39;", "https://", "a.bc/?a=1&amp;b=&#39;")),
    ],
)
def test_link(url: str, html: str) -> None:
    assert write_link(url) == html


def test_parse_names_everything_once() -> None:
    text = "@Alice @alice @bob@ailleurs.example #a #b #a https://a.bc https://a.bc :blobcat: :blobcat:"
    for parsed in (plain.parse(text), markdown.parse(text)):
        assert parsed.mentions == ["alice", "bob@ailleurs.example"]
        assert parsed.hashtags == ["a", "b"]
        assert parsed.links == ["https://a.bc"]
        assert parsed.shortcodes == ["blobcat"]


def test_addresses_from_outside_are_escaped() -> None:
    odd = ResolvedMention('https://a.bc/">', "<b>", "<b>@a.bc")
    html = plain.render(plain.parse("@alice #a"), {"alice": odd}, lambda name: f'https://a.bc/">{name}')
    tag = '<a href="https://a.bc/&quot;&gt;a" class="mention hashtag" rel="tag">#<span>a</span></a>'
    assert html == f"<p>{mention('&lt;b&gt;', 'https://a.bc/&quot;&gt;')} {tag}</p>"


def test_the_line_of_a_profile_field() -> None:
    parsed = plain.parse("https://a.bc\n@alice")
    html = plain.render_line(parsed, KNOWN, tag_url)
    assert html == f"{write_link('https://a.bc', rel_me=True)} {AT_ALICE}"
    assert 'rel="nofollow noopener me"' in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("# a\n## b", "<h1>a</h1><h2>b</h2>"),
        ("- a\n- b\n\n1. c", "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>"),
        ("> a\n> b", "<blockquote><p>a<br>b</p></blockquote>"),
        ("```py\nif a < b:\n    c\n```", "<pre><code>if a &lt; b:\n    c\n</code></pre>"),
        ("a\n\n---\n\nb", "<p>a</p><p>* * *</p><p>b</p>"),
        ("<b onclick=x>a</b>", "<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>"),
        ("<div>\na\n</div>", "<p>&lt;div&gt;<br>a<br>&lt;/div&gt;</p>"),
        ("[a](javascript:x) [b](/c) <foo@a.bc>", "<p>[a](javascript:x) [b](/c) &lt;foo@a.bc&gt;</p>"),
        ("**@alice**", f"<p><strong>{forced(AT_ALICE)}</strong></p>"),
        ("#Été", f"<p>{forced(TAG)}</p>"),
        ("`@alice #a https://a.bc`", "<p><code>@alice #a https://a.bc</code></p>"),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert render_markdown(text) == html


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("[@alice #a](https://a.bc/d)", [("https://a.bc/d", "@alice #a")]),
        ("[https://a.bc/x](https://d.ef/_y_)", [("https://d.ef/_y_", "https://a.bc/x")]),
        ("[https://a.bc/_x_](https://d.ef)", [("https://d.ef", "https://a.bc/_x_")]),
        ("<https://a.bc/?a=1&b=2>", [("https://a.bc/?a=1&b=2", "https://a.bc/?a=1&b=2")]),
        ("![alt](https://a.bc/d.png)", [("https://a.bc/d.png", "alt")]),
        ("![](https://a.bc/d.png)", [("https://a.bc/d.png", "https://a.bc/d.png")]),
        ("[![alt](https://a.bc/d.png)](https://e.fg)", [("https://e.fg", "alt")]),
        ("https://a.bc/_d_/*e*/~~f~~/g", [("https://a.bc/_d_/*e*/~~f~~/g",) * 2]),
        ("**https://a.bc/d** _https://a.bc/e_", [("https://a.bc/d",) * 2, ("https://a.bc/e",) * 2]),
        ("# https://a.bc", [("https://a.bc",) * 2]),
    ],
)
def test_links_in_markdown(text: str, links: list[tuple[str, str]]) -> None:
    found = []
    for anchor in re.findall(r"<a .*?</a>", render_markdown(text)):
        href = re.search(r'href="([^"]*)"', anchor)
        assert href
        found.append((plain_text(SafeHTML(href[1])), plain_text(SafeHTML(anchor))))
    assert found == links
    assert markdown.parse(text).links == list(dict.fromkeys(href for href, _ in links))


class Events(HTMLParser):
    """HTML as a browser understands it, without what the sanitiser adds to each link."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[object, ...]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value for name, value in attrs if name not in {"rel", "target"}}))

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            self.seen.append((tag,))

    def handle_data(self, data: str) -> None:
        self.seen.append(("text", data))


# fmt: off
WORDS = st.sampled_from((
    "@alice", "@nobody", "@nobody@a.bc", "#Été", "#1", "https://a.bc/d_(e)", "https://a.bc?f=1&g=<h>",
    "xmpp:a@b.cd", "<script>alert(1)</script>", "<img/src=x onerror=alert(1)>", "javascript:alert(1)",
    "&lt;", "<", "&", '"', "'", "**", "*", "_", "~~", "`", "```", "[", "](", "](javascript:x)", ")", "![",
    ">", "#", "-", "1.", "---", "\\", "<a@b.cd>", "<https://a.bc>", ":cat:", "é", "\n", "\n\n", "\x00",
    "\ud800", "\u00a0",
))
# fmt: on
TEXTS = st.lists(WORDS | st.just(" ") | st.text(st.characters(), max_size=5), max_size=40).map("".join)


@given(TEXTS)
def test_the_sanitiser_finds_nothing_to_change(text: str) -> None:
    for html in (render_plain(text), render_markdown(text)):
        assert Events(sanitise(html)).seen == Events(html).seen


@given(TEXTS)
def test_no_script_gets_in(text: str) -> None:
    for html in (render_plain(text), render_markdown(text)):
        for tag in re.findall(r"<[^<>]*>", html):
            assert not re.search(r"<(?:script|img)|\son\w+=|href=\"\s*javascript:", tag), tag


@given(TEXTS)
def test_the_words_survive(text: str) -> None:
    shown = plain_text(render_plain(text))
    written = clean_text(text)
    assert shown.replace("＃", "#").casefold().split() == written.replace("＃", "#").casefold().split()


@given(
    st.lists(st.sampled_from(["été", "Roseau", "@alice", "#Été", "https://a.bc/d", "42"]), min_size=1).map(
        " ".join
    )
)
def test_the_words_survive_markdown(text: str) -> None:
    assert plain_text(render_markdown(text)) == text
