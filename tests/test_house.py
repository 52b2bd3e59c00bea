"""The rules of the house that no linter knows: length, imports, exceptions, addresses, requirements."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(ROOT.glob("roseau/**/*.py"))
REQUIREMENTS = sorted(ROOT.glob("requirements/*.txt"))
LONGEST = 400

# The worker outlives whatever a job does; the writer thread hands an error to whoever waits for its answer;
# the boundary around all requests writes an unforeseen error down and answers for it; the streams go on
# behind an event that they cannot tell; whoever watches for trouble has to outlive it.
CATCH_ALL = {
    "roseau/worker.py", "roseau/storage/sqlite.py", "roseau/app.py", "roseau/streams/hub.py",
    "roseau/survival/watching/watch.py",
}  # fmt: skip

# Written so that the patterns do not find themselves.
REGISTRY = re.compile(
    r"\b(pyp[i]\.org|python[h]osted\.org|npm[j]s\.(org|com)|crates[.]io|proxy[.]golang\.org)"
)
MACHINE_PATH = re.compile(r"(?<![\w.~}/-])/(root|work|home/\w+|Users/\w+)/[\w.]")
ADDRESS = re.compile(r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b|@ ")


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(), str(path))


def place(path: Path, node: ast.stmt | ast.excepthandler | None = None) -> str:
    """A place in the code, as an editor opens it."""
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{node.lineno}" if node else name


def project_files() -> list[Path]:
    """What git holds or would take in; without git, everything but hidden and generated folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    hidden = re.compile(r"(^|/)(\.(?!ci/)|__pycache__/|data/|build/|dist/)")
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in found if not hidden.search(path.relative_to(ROOT).as_posix())]


def project_texts() -> Iterator[tuple[Path, str]]:
    """Each text file of the project, with its text."""
    for path in project_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode(errors="replace")


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        place(path): path.read_text().count("\n") for path in MODULES if "migrations" not in path.parts
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_import_inside_a_function() -> None:
    found = {
        place(path, node)
        for path in MODULES
        for function in ast.walk(parsed(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert found == set()


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether an `except` takes whatever comes, by name or for want of one."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in caught)


def test_nothing_catches_everything_and_goes_on() -> None:
    found = [
        place(path, node)
        for path in MODULES
        if place(path) not in CATCH_ALL
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
        if not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]
    assert found == []


def test_every_module_says_what_it_offers() -> None:
    silent = [
        place(path) for path in MODULES if path.read_text().strip() and not ast.get_docstring(parsed(path))
    ]
    assert silent == []


def test_no_file_names_a_package_registry_or_a_folder_of_this_machine() -> None:
    found = [
        f"{place(path)}:{number}: {match.group()}"
        for path, text in project_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := REGISTRY.search(line) or MACHINE_PATH.search(line))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["https://pyp" + "i.org/simple", "a = '/ro" + "ot/x'", "see /ho" + "me/ada/roseau"]
)
def test_the_patterns_for_registries_and_folders_find_what_they_should(text: str) -> None:
    assert REGISTRY.search(text) or MACHINE_PATH.search(text)


def test_no_lock_file_records_where_packages_came_from() -> None:
    lock_names = {"uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json"}
    assert [place(path) for path in project_files() if path.name in lock_names] == []


def pins(path: Path) -> dict[str, str]:
    """What a requirements file pins: each requirement, with its hashes, by the package's name."""
    joined = path.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {line.partition("==")[0]: line for line in lines}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_locked_by_hash_and_record_no_address(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if ADDRESS.search(line)] == []
    for name, line in pins(path).items():
        assert re.fullmatch(r"[a-z0-9._-]+==\S+( ; .*?)?(\s+--hash=sha256:[0-9a-f]{64})+", line.strip()), name


def wanted(path: Path) -> set[str]:
    """The names a list of requirements asks for, as the lock spells them."""
    lines = [line for line in path.read_text().splitlines() if re.match(r"\w", line)]
    return {re.split(r"[\[<>=~! ;]", line)[0].lower().replace(".", "-").replace("_", "-") for line in lines}


def test_the_locks_hold_what_was_asked_for_in_the_same_versions() -> None:
    run, test = pins(ROOT / "requirements/run.txt"), pins(ROOT / "requirements/test.txt")
    assert wanted(ROOT / "requirements/run.in") - run.keys() == set()
    assert wanted(ROOT / "requirements/test.in") - test.keys() == set()
    differing = {
        name: (line.split()[0], test[name].split()[0])
        for name, line in run.items()
        if line.split()[0] != test[name].split()[0]
    }
    assert differing == {}


def imported_packages(path: Path) -> set[str]:
    """The top-level packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


def test_roseau_imports_nothing_that_its_requirements_do_not_name() -> None:
    asked_for = wanted(ROOT / "requirements/run.in")
    provided = packages_distributions()
    foreign = {
        (place(path), name)
        for path in MODULES
        for name in imported_packages(path)
        if name != "roseau" and name not in sys.stdlib_module_names
        if not {giver.lower().replace("_", "-") for giver in provided.get(name, [])} & asked_for
    }
    assert foreign == set()


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` works in a checkout, and is missing after `pip install`."""
    folders = {path.parent for path in MODULES}
    assert [place(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
