"""The floors of the code: which part may import which, as pyproject.toml writes it down for import-linter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter over the `roseau` package that lies in `project`."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--config", project / "pyproject.toml"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_imports_run_downwards() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("storage/wrong.py", "import roseau.domain"),
        ("domain/policy.py", "import roseau.domain.accounts"),
        ("domain/policy.py", "import starlette"),
        ("kernel/wrong.py", "import socket"),
        ("attic/__init__.py", "import roseau.kernel"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, importer: str, line: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    files = ["__init__", "storage/__init__", "kernel/__init__", "domain/__init__", "domain/accounts/__init__"]
    for name in [*(f"{file}.py" for file in files), importer]:
        path = tmp_path / "roseau" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert lint_imports(tmp_path).returncode == 0 or importer.startswith("attic"), "the tree was wrong before"

    (tmp_path / "roseau" / importer).write_text(f"{line}\n")

    linted = lint_imports(tmp_path)
    assert linted.returncode == 1, linted.stdout + linted.stderr
