"""Mentions, hashtags, links and custom emoji in plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.text.entities import Hashtag, Link, Mention, find_entities, find_shortcodes

# fmt: off
PIECES = st.sampled_from((
    "@", "＠", "#", "＃", ":", "/", "://", "http", "https", "http://", "https://", "xmpp:", "magnet:?", "xt=",
    "www.", ".", "..", "-", "_", "(", ")", "<", ">", "?", "&", "=", "+", "%", "~", "*", "'", '"',
    "」", "·", "・", " ", "\n", "a.bc", "example.org", "bob", "é", "ß", "日本", "🎉", "1", "42",
    "\u0301", "\u200c", "\t",
))
# fmt: on
HOSTILE = st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@alice", ["alice"]),
        ("hello @alice, @Bob@Example.org.", ["alice", "bob@example.org"]),
        ("(@alice) «@bob» l’@eve!", ["alice", "bob", "eve"]),
        ("@a.b-c. @under_score_ @dash-", ["a.b-c", "under_score_", "dash"]),
        ("@alice@exämple.org @bob@sub.xn--e1a.org", ["alice@exämple.org", "bob@sub.xn--e1a.org"]),
        ("@alice@localhost", ["alice@localhost"]),
        ("mail@example.org x@alice 日@alice /@alice =@alice", []),
        ("@noël @screen_name@ @a@b@c @a:// ＠alice @ @- @.", []),
        ("@alice\u0301", []),
        ("@a@" + "b" * 254, []),
        ("https://example.org/@alice https://example.org/?u=@bob", []),
    ],
)
def test_mentions(text: str, handles: list[str]) -> None:
    assert [entity.handle for entity in find_entities(text) if isinstance(entity, Mention)] == handles


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#hashtag", ["hashtag"]),
        ("#Été2026, #l33t #3d #rubyOnRails.", ["Été2026", "l33t", "3d", "rubyOnRails"]),
        ("(#a) «#b» l’#écologie #rock'n", ["a", "b", "écologie", "rock"]),
        ("#_test #test_ #one_two #___", ["_test", "test_", "one_two", "___"]),
        (
            "#one·two· #ぼっち・ざ・ろっく #نرم\u200cافزار",
            ["one·two", "ぼっち・ざ・ろっく", "نرم\u200cافزار"],
        ),
        ("＃ｆｏｏ #日本語 #हिन्दी", ["ｆｏｏ", "日本語", "हिन्दी"]),
        ("test\u00a0#foo\n#bar", ["foo", "bar"]),
        ("#1 #0123456 #12_ # #- #·one", []),
        ("a#b é#b 1#b /#b )#b =#b _#b", []),
        ("#hashtaghttp://x #hashtaghttps://", ["hashtag", "hashtag"]),
        ("https://medium.com/@alice/article#anchor https://a.bc/?foo=#b https://a.bc/Inc.#c", []),
    ],
)
def test_hashtags(text: str, names: list[str]) -> None:
    assert [entity.name for entity in find_entities(text) if isinstance(entity, Hashtag)] == names


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("http://example.org", ["http://example.org"]),
        ("HTTPS://EXAMPLE.ORG/", ["HTTPS://EXAMPLE.ORG/"]),
        ("see https://example.org, https://a.bc/d. https://a.bc/e!",
         ["https://example.org", "https://a.bc/d", "https://a.bc/e"]),
        ("(https://a.bc/) <https://a.bc/d> \"https://a.bc/e\" 'https://a.bc/f'",
         ["https://a.bc/", "https://a.bc/d", "https://a.bc/e", "https://a.bc/f"]),
        ("«https://a.bc/d» 「[https://a.bc/」 https://a.bc/x。",
         ["https://a.bc/d", "https://a.bc/", "https://a.bc/x"]),
        ("https://fr.wikipedia.org/wiki/Roseau_(plante)", ["https://fr.wikipedia.org/wiki/Roseau_(plante)"]),
        ("(https://a.bc/d_(e_(f)_g))", ["https://a.bc/d_(e_(f)_g)"]),
        ("https://a.bc/d(e", ["https://a.bc/d"]),
        ("https://a.bc:8080/x?y=1&z=%C3%A9#top.", ["https://a.bc:8080/x?y=1&z=%C3%A9#top"]),
        ("https://a.bc?q=✓ https://a.bc/x.?q", ["https://a.bc?q=✓", "https://a.bc/x"]),
        ("https://nic.みんな/ https://été.example/ http://xn--p1ai.xn--p1ai",
         ["https://nic.みんな/", "https://été.example/", "http://xn--p1ai.xn--p1ai"]),
        ("見てhttps://example.orgを見て https://example.org🎉", ["https://example.org", "https://example.org"]),
        ("https://ja.wikipedia.org/wiki/日本\u3000x", ["https://ja.wikipedia.org/wiki/日本"]),
        ("gemini://a.bc/ gopher://a.bc ipfs://a.bc dat://a.bc",
         ["gemini://a.bc/", "gopher://a.bc", "ipfs://a.bc", "dat://a.bc"]),
        ("xmpp:muc@a.bc?join magnet:?xt=urn:btih:c12fe.",
         ["xmpp:muc@a.bc?join", "magnet:?xt=urn:btih:c12fe"]),
        ("http://example.org/b<del>b</del>", ["http://example.org/b"]),
        ("example.org www.example.org ftp://a.bc javascript://a.bc xmpp: magnet:?dn=x", []),
        ("http://localhost http://1.2.3.4/ http://a.b1/ http://-a.bc http://a-.bc http://www\\.a\\.bc", []),
        ("https://user@evil.example/ https://user:pass@a.bc/ https://good.example@evil.example", []),
        ("xhttps://a.bc @https://a.bc #https://a.bc $https://a.bc", []),
        ("https://" + "a" * 64 + ".org https://" + "a.bc" * 80, []),
        ("https://a.bc/" + "d" * 4096, []),
    ],
)  # fmt: skip
def test_links(text: str, urls: list[str]) -> None:
    assert [entity.url for entity in find_entities(text) if isinstance(entity, Link)] == urls


@pytest.mark.parametrize(
    ("text", "shortcodes"),
    [
        (":blobcat: :blob_cat2: :blobcat:", ["blobcat", "blob_cat2"]),
        ("(:ab:)\n:cd:.", ["ab", "cd"]),
        (":a: x:ab: :ab:x :ab::cd: é:ab: 12:30:45 :a b: :", []),
    ],
)
def test_shortcodes(text: str, shortcodes: list[str]) -> None:
    assert find_shortcodes(text) == shortcodes


@given(HOSTILE)
def test_entities_stand_in_order_and_say_where_they_are(text: str) -> None:
    position = 0
    for entity in find_entities(text):
        assert position <= entity.start < entity.end <= len(text)
        position = entity.end
        written = text[entity.start : entity.end]
        match entity:
            case Link(url=url):
                assert written == url
            case Hashtag(name=name):
                assert written[0] in "#＃"
                assert written[1:] == name
            case Mention(handle=handle):
                assert written.lower() == f"@{handle}"
