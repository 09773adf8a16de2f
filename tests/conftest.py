"""What every test may use. Nothing here imports `engine`: its shape checks are installed after this file is read."""

import gc
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

from tests import shapes

shapes.remember()

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("peso")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # commands start from compiled modules, as they do for users
sys.dont_write_bytecode = False
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # as the command sets them: see engine/cli/machine.py
    os.environ.setdefault(name, "1")

QUICK = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
if f"jaxlib=={version('jaxlib')}" in (ROOT / "constraints.txt").read_text().splitlines():
    # A test compiles for seconds what it runs for milliseconds. Another version of XLA may end upon a flag it lost.
    os.environ.setdefault("XLA_FLAGS", QUICK)

MINE = "JAX_COMPILATION_CACHE_DIR" not in os.environ
if MINE:  # all workers and commands of one session share what is compiled; no session reads another's
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="peso-tests-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

settings.register_profile("gate", derandomize=True, deadline=None, max_examples=60, print_blob=True)
settings.load_profile("gate")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def process() -> Call:
    """The installed command, run as a user runs it: `process("check", table, cwd=folder)`."""

    def call(*arguments: object, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
        )

    return call


@pytest.fixture(scope="session")
def peso(process: Call) -> Call:
    """The same within this process: shapes are checked, and nothing is loaded or compiled again.

    With variables of its own it is a process of its own; whoever tests how a process starts or ends asks for `process`.
    """

    def call(*arguments: object, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return process(*arguments, cwd=cwd, **variables) if variables else within(list(map(str, arguments)), cwd)

    return call


def within(arguments: list[str], cwd: Path | None) -> subprocess.CompletedProcess[str]:
    """Exit code, standard output and standard error of the command in this process."""
    from engine.cli.main import run  # noqa: PLC0415  (see above)

    code, written = 0, (io.BytesIO(), io.BytesIO())
    out, err = (io.TextIOWrapper(stream, encoding="utf-8", write_through=True) for stream in written)
    with pytest.MonkeyPatch.context() as patch, chdir(cwd or "."), redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["peso", *arguments])
        patch.setenv("NO_COLOR", "1")
        try:
            run()
        except SystemExit as leave:
            code = leave.code or 0
    return subprocess.CompletedProcess(arguments, code, *(stream.getvalue().decode() for stream in written))


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data sets, which are never part of this repository."""
    named = os.environ.get("PESO_PUBLIC_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the public data are not at {folder.name!r}; set PESO_PUBLIC_DATA to the folder that holds them")
    return folder


def pytest_collection_finish() -> None:
    """Leave libraries and thousands of tests alone when garbage is collected: JAX makes much of it, most at once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_sessionfinish() -> None:
    """Remove what was compiled, where this process began it."""
    if MINE:
        shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run tests marked `gpu` only where JAX has one."""
    if item.get_closest_marker("gpu"):
        import jax  # noqa: PLC0415  (only tests that ask for a GPU pay for this import)

        if not any(device.platform == "gpu" for device in jax.devices()):
            pytest.skip("no GPU here; run this test on a machine that has one")
