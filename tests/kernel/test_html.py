"""The sanitiser, escaping, and the way back from HTML to text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.html import SafeHTML, clean_text, escape, plain_text, sanitise

FORCED = 'target="_blank" rel="nofollow noopener"'


@pytest.mark.parametrize(
    ("foreign", "safe"),
    [
        ("<p>Bonjour<br/>à tous</p>", "<p>Bonjour<br>à tous</p>"),
        ("<script>alert(1)</script><p>a</p>", "<p>a</p>"),
        ("<style>p{}</style>a", "a"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<svg onload=alert(1)><p>a</p></svg>", "<p>a</p>"),
        ('<p onclick="x()" style="color:red" id="i" hx-get="/x" data-hx-on="y">a</p>', "<p>a</p>"),
        ("<!-- comment -->a", "a"),
        ('<a href="javascript:alert(1)">a</a>', f"<a {FORCED}>a</a>"),
        ('<a href=" java&#10;script:alert(1)">a</a>', f"<a {FORCED}>a</a>"),
        ('<a href="data:text/html,x">a</a>', f"<a {FORCED}>a</a>"),
        ('<a href="/settings">a</a>', f"<a {FORCED}>a</a>"),
        ('<a href="//example.org/">a</a>', f"<a {FORCED}>a</a>"),
        ('<a href="https://example.org/" rel="me" target="_top">a</a>',
         f'<a href="https://example.org/" {FORCED}>a</a>'),
        ('<a href="https://a.bc" style="top:0" title="t" id="i">a</a>',
         f'<a href="https://a.bc" {FORCED}>a</a>'),
        ('<a href="gemini://example.org/">a</a>', f'<a href="gemini://example.org/" {FORCED}>a</a>'),
        ('<a class="mention u-url evil btn" href="https://a.bc">a</a>',
         f'<a class="mention u-url" href="https://a.bc" {FORCED}>a</a>'),
        ('<span class="h-card p-name invisible ellipsis x-y">a</span>',
         '<span class="h-card p-name invisible ellipsis">a</span>'),
        ('<span class="e-content&quot;onclick=">a</span>', '<span class="">a</span>'),
        ('<span translate="no">a</span><span translate="yes">b</span>',
         '<span translate="no">a</span><span>b</span>'),
        ('<p lang="fr" dir="rtl">a</p>', '<p lang="fr">a</p>'),
        ('<ol start="3" reversed="" type="a"><li value="2">a</li></ol>',
         '<ol start="3" reversed=""><li value="2">a</li></ol>'),
        ("<h1>a</h1><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>",
         "<h1>a</h1><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>"),
        ("<table><tr><td>a</td></tr></table><iframe src=x></iframe><form>b</form>", "ab"),
        ("<p>open <b>and", "<p>open <b>and</b></p>"),
        ("a\x00b\ud800", "ab\ufffd"),
        ("a&#1;b&#13;c", "abc"),
        ('<a href="java&#1;script:x">a</a>', f"<a {FORCED}>a</a>"),
    ],
)  # fmt: skip
def test_sanitise(foreign: str, safe: str) -> None:
    assert sanitise(foreign) == safe


# fmt: off
DANGEROUS = st.sampled_from((
    "<script", "<img ", "<a ", "<svg ", "<math ", "<style ", "<iframe ", "<p ", "<b>", "/>", "</a>",
    "</script>", "<!--", "-->", "<![CDATA[", "]]>", "'", '"', "=", "&", ";", ":", "/", ">", " ", "\n",
    "\x00", " href=", " src=", " style=", " class=", " title=", " onerror=", " onclick=",
    " onload=alert(1)", " hx-get=", " hx-on:click=", "javascript:", "&#106;avascript:", "java\tscript:",
    "data:text/html,", "&lt;script&gt;", "&quot;",
))
# fmt: on
@given(st.lists(DANGEROUS | st.text(max_size=4), max_size=30).map("".join))
def test_nothing_dangerous_gets_through(foreign: str) -> None:
    safe = sanitise(foreign)
    for tag in re.findall(r"<[^<>]*>", safe):
        assert re.fullmatch(r"</?[a-z0-9]+( [a-z]+=\"[^\"<>]*\")*>", tag), tag
        assert not re.search(r"<(?:script|img|svg|math|style|iframe)|\s(?:on\w+|hx\S*|style|id|src)=", tag), (
            tag
        )
        assert not re.search(r"href=\"\s*(?:javascript|data|vbscript)", tag, re.IGNORECASE), tag
    assert sanitise(safe) == safe


@given(st.text(alphabet=st.characters()))
def test_escaped_text_reads_the_same(text: str) -> None:
    cleaned = clean_text(text)
    assert plain_text(SafeHTML(f"<pre>{escape(cleaned)}</pre>")) == re.sub(r"\n{3,}", "\n\n", cleaned).strip()
    assert not set(escape(text)) & set("<>\"'")


def test_what_no_honest_author_sends_is_shown_as_source() -> None:
    assert sanitise("<pre>" * 10_001) == "&lt;pre&gt;" * 10_001
    assert sanitise("<b>" + "x" * 200_000) == "&lt;b&gt;" + "x" * 199_997


def test_escape_writes_what_mastodon_writes() -> None:
    assert escape("""<a> & "b" 'c'""") == "&lt;a&gt; &amp; &quot;b&quot; &#39;c&#39;"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<p>a<br />b<br>c</p>", "a\nb\nc"),
        ("<p>a<br>\n  b</p>\n<p>c\nd</p>", "a\nb\n\nc d"),
        ("a<p>b</p>c", "a\n\nb\n\nc"),
        ("<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>", "a\nb\n\nc"),
        ("<pre><code>if a:\n    b\n</code></pre><p>c</p>", "if a:\n    b\n\nc"),
        ("<p>&lt;b&gt; &amp;amp; l&#39;été</p>", "<b> &amp; l'été"),
        (
            '<a href="https://a.bc"><span class="invisible">https://</span><span>a.bc</span></a>',
            "https://a.bc",
        ),
        ("<b>a</b><i>b</i> <blockquote>c</blockquote>", "ab \n\nc"),
        ("<p>a</p><p></p><p></p><p>b</p>", "a\n\nb"),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert plain_text(SafeHTML(html)) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\tb\x00\x1b\x7f", "a\tb"),
        ("\ud83d", "\ufffd"),
        ("é\u200c👩‍👧", "é\u200c👩‍👧"),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned
