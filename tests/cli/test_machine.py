"""What the command settles on a machine before libraries load: defaults only, and a cache where one can be."""

import json
import os
import subprocess
import sys

import pytest

from engine.cli.machine import CACHE_BYTES, cache_folder, mend, settle

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def test_threads_and_cache_are_settled(tmp_path):
    variables = {"XDG_CACHE_HOME": str(tmp_path)}
    settle(variables)
    assert [variables[name] for name in THREADS] == ["1"] * 3
    assert variables["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "peso-engine" / "compiled")
    assert variables["JAX_COMPILATION_CACHE_MAX_SIZE"] == str(CACHE_BYTES)


def test_who_sets_a_variable_means_it(tmp_path):
    """A cache of one's own keeps its own size, too."""
    mine = {"XDG_CACHE_HOME": str(tmp_path), "OMP_NUM_THREADS": "8", "JAX_COMPILATION_CACHE_DIR": "elsewhere"}
    variables = dict(mine)
    settle(variables)
    assert mine.items() <= variables.items()
    assert "JAX_COMPILATION_CACHE_MAX_SIZE" not in variables


def test_the_cache_is_the_users_alone(tmp_path):
    folder = cache_folder({"LOCALAPPDATA": str(tmp_path / "new")})
    assert folder == tmp_path / "new" / "peso-engine" / "compiled" and folder.is_dir()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


def test_without_a_place_there_is_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    variables = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    settle(variables)
    assert cache_folder(variables) is None and "JAX_COMPILATION_CACHE_DIR" not in variables
    assert variables["OMP_NUM_THREADS"] == "1"

    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr("engine.cli.machine.Path.home", homeless)
    assert cache_folder({}) is None


@pytest.mark.parametrize("given", [None, "3"])
def test_the_command_is_settled_before_numpy_is_loaded(given):
    """One thread in the command itself, unless the user said otherwise."""
    script = (
        "import atexit, json, os, sys\n"
        "from engine.cli.main import run\n"
        "assert 'numpy' not in sys.modules and 'jax' not in sys.modules\n"
        "atexit.register(lambda: print(json.dumps(dict(os.environ))))\n"
        "sys.argv = ['peso', '--version']\n"
        "run()\n"
    )
    clean = {name: value for name, value in os.environ.items() if name not in THREADS}
    clean |= {"OPENBLAS_NUM_THREADS": given} if given else {}
    done = subprocess.run([sys.executable, "-c", script], env=clean, capture_output=True, text=True, check=True)
    variables = json.loads(done.stdout.splitlines()[-1])
    assert [variables[name] for name in THREADS] == [given or "1", "1", "1"]


def test_a_program_whose_writing_was_cut_off_is_removed_and_no_other(tmp_path):
    """Without the time of its last use beside it, and older than a minute."""
    for name, age in (("whole-cache", 90), ("whole-atime", 90), ("cut-cache", 90), ("now-cache", 30), ("other", 90)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    mend(tmp_path, 1000.0)
    assert sorted(os.listdir(tmp_path)) == ["now-cache", "other", "whole-atime", "whole-cache"]
    mend(tmp_path / "gone", 1000.0)
