"""Help comes at once: examples first, and nothing heavy is loaded for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.verbs import VERBS

COMMAND = Path(sys.executable).with_name("peso")
HEAVY = {
    "cvxpy",
    "equinox",
    "jax",
    "jaxlib",
    "numpy",
    "numpyro",
    "openpyxl",
    "polars",
    "pydantic",
    "scipy",
    "xlsxwriter",
}
ASKED = {"peso": [], **{verb: [verb] for verb in VERBS}}


@pytest.mark.parametrize("words", ASKED.values(), ids=ASKED)
def test_help_is_light_and_shows_examples_before_options(words):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(COMMAND), *words, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(re.findall(r"^import time:.*\|\s*([A-Za-z_]\w*)", done.stderr, flags=re.MULTILINE))
    assert "click" in loaded
    assert loaded & HEAVY == set()
    example = f"peso {words[0]} " if words else "peso demo"
    assert 0 <= done.stdout.find(example, done.stdout.find("Example")) < done.stdout.find("Options:")


def test_every_verb_is_listed_with_its_one_line(peso):
    told = " ".join(peso("--help").stdout.split())
    assert [verb for verb, line in VERBS.items() if f"{verb} {line}" not in told] == []


def test_a_mistyped_verb_is_a_usage_error_that_names_the_nearest(peso):
    done = peso("optimise")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "did you mean 'optimize'?" in done.stderr


def test_version_goes_to_standard_output(peso):
    done = peso("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"peso, version \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_behind_standard_output_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(COMMAND), "doctor"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 8
    assert done.stderr.startswith("peso: no space left")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(("arguments", "code"), [(["optimise"], 2), (["optimize", "no_fit", "no_file.toml"], 3)])
def test_a_full_disk_behind_standard_error_changes_no_exit_code(arguments, code):
    with open("/dev/full", "w") as full:
        unheard = subprocess.run([str(COMMAND), *arguments], stdout=subprocess.PIPE, stderr=full)
    assert (unheard.returncode, unheard.stdout) == (code, b"")


def test_a_reader_of_standard_error_who_leaves_early_changes_no_exit_code():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([str(COMMAND), "optimize", "no_fit", "no_file.toml"], stderr=writing, stdout=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stdout) == (3, b"")


def test_a_reader_who_leaves_early_is_no_error():
    script = f"'{COMMAND}' --help | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("shell", "mark"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete ")])
def test_completion_scripts_for_each_shell(peso, shell, mark):
    done = peso(_PESO_COMPLETE=f"{shell}_source")
    assert done.returncode == 0, done.stderr
    assert mark in done.stdout


def test_completion_offers_the_verbs_that_begin_so(peso):
    done = peso(_PESO_COMPLETE="bash_complete", COMP_WORDS="peso c", COMP_CWORD="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["plain,check", "plain,calibrate"]


CURVES = """{"schema": "peso.curves/1", "currency": "USD", "outcome": "revenue", "period": "week", "channels": [
  {"name": "tv", "kind": "paid", "adstock": {"family": "geometric", "retain": [0.5]},
   "saturation": {"family": "hill", "ceiling": [100.0], "halfway": [50.0], "slope": [2.0]}}]}"""
SCENARIO = """name = "x"
horizon = { start = 2027-01-04, periods = 52 }
budget = { total = 1000 }
"""


@pytest.mark.parametrize("words", [["optimize", "c.json", "s.toml"], ["whatif", "s.toml", "--fit", "c.json"]])
def test_planning_from_curves_loads_no_jax(tmp_path, words):
    (tmp_path / "c.json").write_text(CURVES)
    (tmp_path / "s.toml").write_text(SCENARIO)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(COMMAND), *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(re.findall(r"^import time:.*\|\s*([A-Za-z_]\w*)", done.stderr, flags=re.MULTILINE))
    assert "numpy" in loaded
    assert loaded & {"equinox", "jax", "jaxlib", "numpyro", "openpyxl", "polars"} == set()


@pytest.mark.parametrize("room", ["engine.study.report", "engine.study.whatif_page"])
def test_reporting_loads_no_jax(room):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {room}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & {"equinox", "jax", "jaxlib", "numpyro", "openpyxl", "polars"} == set()
