"""What every other server of the field serves, this one serves too."""

import re
from pathlib import Path

import pytest

from roseau.api import ROUTES
from roseau.web.routes import PAGES

LISTED = (Path(__file__).parent / "common_endpoints.txt").read_text().splitlines()
COMMON = [line for line in LISTED if line and not line.startswith("#")]


def shape(path: str) -> str:
    """The path with its parameters unnamed."""
    return re.sub(r":\w+|\{[^}]*\}", "*", path)


SERVED = {(route.method, shape(route.path)) for route in ROUTES} | {
    (method, shape(route.path)) for route in PAGES for method in route.methods or ()
}


@pytest.mark.parametrize("endpoint", COMMON)
def test_it_is_served(endpoint: str) -> None:
    method, path = endpoint.split()
    assert (method, shape(path)) in SERVED


def test_the_list_is_whole() -> None:
    assert len(COMMON) == 66
