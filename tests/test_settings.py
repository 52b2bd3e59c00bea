"""Settings: one name, three ways, the later above the earlier, and clear words for what cannot be."""

from pathlib import Path

import pytest

from roseau.settings import Settings, WrongSetting, check_base_url, describe_settings, load_settings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_flag_wins_over_the_environment_and_that_over_the_file(data: Path) -> None:
    (data / "roseau.toml").write_text('port = 1\nhost = "::1"\nmax_characters = 500\n')
    environment = {"ROSEAU_PORT": "2", "ROSEAU_HOST": "127.0.0.2"}
    settings, origin = load_settings({"port": "3"}, environment)
    assert (settings.port, settings.host, settings.max_characters) == (3, "127.0.0.2", 500)
    assert origin["port"] == "--port"
    assert origin["host"] == "ROSEAU_HOST"
    assert origin["max_characters"].endswith("roseau.toml")
    assert origin["rate_limits"] == "default"


def test_the_data_folder_is_a_setting_like_the_others(data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "roseau.toml").write_text("port = 7")
    assert load_settings({}, {"ROSEAU_DATA": str(elsewhere)})[0].port == 7
    assert load_settings({"data": str(elsewhere)}, {})[0].port == 7


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate_limits", "off", False),
        ("rate_limits", "Yes", True),
        ("trusted_proxies", "10.0.0.0/8, ::1/128", ("10.0.0.0/8", "::1/128")),
        ("registrations", "open", "open"),
        ("registrations", "", None),
        ("minimum_age", "16", 16),
        ("max_image_bytes", "1_000_000", 1_000_000),
    ],
)
def test_text_becomes_what_the_setting_is(data: Path, name: str, text: str, value: object) -> None:
    assert getattr(load_settings({}, {f"ROSEAU_{name.upper()}": text})[0], name) == value


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"port": "eighty"}, "port: 'eighty' is not a whole number"),
        ({"port": "70000"}, "port: "),
        ({"rate_limits": "perhaps"}, "neither true nor false"),
        ({"trusted_proxies": "everybody"}, "trusted_proxies: 'everybody' is not a network"),
        ({"registrations": "sometimes"}, "registrations: "),
        ({"database": "mysql://x"}, "only postgresql://"),
        ({"base_url": "example.org"}, "base_url: "),
    ],
)
def test_what_cannot_be_is_named(data: Path, flags: dict[str, str], words: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        load_settings(flags, {})
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["colour = 3", "port = ", "port = 'x'"])
def test_a_file_that_cannot_be_read_is_named(data: Path, text: str) -> None:
    (data / "roseau.toml").write_text(text)
    with pytest.raises(WrongSetting):
        load_settings({}, {})


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://localhost:3000", "https://example.org/", "http://[::1]:8000"]
)
def test_an_address_of_a_site(url: str) -> None:
    assert check_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "https://example.org/social", "https://a b", "https://u:p@example.org",
     "https://example.org?x", "https://", "https://exa\nmple.org"],
)  # fmt: skip
def test_no_address_of_a_site(url: str) -> None:
    with pytest.raises(WrongSetting):
        check_base_url(url)


def test_every_setting_is_described() -> None:
    described = describe_settings()
    assert set(described) == set(Settings.__struct_fields__)
    assert all(text.endswith(".") for text in described.values())
