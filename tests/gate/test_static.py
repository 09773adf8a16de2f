"""The checks that read the code without running it. None of them may be skipped."""

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "--no-fix", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import contracts": [str(BIN / "lint-imports"), "--no-logo"],
}


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS)
def test_static_check_passes(command, root):
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command[-3:])}\n{done.stdout}\n{done.stderr}"
