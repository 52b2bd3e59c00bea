"""`roseau moderation mail`: what a mail server pipes in becomes a letter or a notice, once."""

from pathlib import Path

from tests.cli.running import ok, run
from tests.moderation.test_letters import letter


def test_a_mail_is_piped_in(tmp_path: Path) -> None:
    data, mail = tmp_path / "data", tmp_path / "mail.eml"
    ok("init", "--domain", "roseau.test", "--data", data)
    mail.write_bytes(letter("Within 24 hours: https://roseau.test/@bob/1 and https://roseau.test/@bob/2"))
    said = ok("moderation", "mail", mail, "--data", data)
    assert said.startswith("letter ") and "2 items" in said
    assert "taken in before" in ok("moderation", "mail", mail, "--data", data)
    mail.write_bytes(b"Auto-Submitted: auto-replied\n" + letter("Away.", "eve@example.org"))
    assert ok("moderation", "mail", mail, "--data", data) == "refused: automatic_reply"
    mail.write_bytes(b"")
    assert run("moderation", "mail", mail, "--data", data).status == 1


def test_a_mail_server_is_told_to_try_again(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(letter("Help", "eve@example.org"))
    result = run("moderation", "mail", mail, "--data", tmp_path / "nowhere")
    assert result.status == 75 and "There is no site" in result.err
