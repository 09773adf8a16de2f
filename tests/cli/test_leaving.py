"""How the command leaves: readers that go away, terminals that cannot show a letter, names that would command one."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.common import progress

COMMAND = Path(sys.executable).with_name("peso")


@pytest.mark.parametrize("arguments", [("--help",), ("optimize", "curves.json", "q.toml", "--json")])
def test_a_reader_that_goes_away_is_no_error(folder, arguments):
    line = shlex.join([str(COMMAND), *arguments]) + " | true; exit ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_answer_that_nobody_can_be_told_is_an_error_unless_it_was_written(folder):
    told = {(): (8, "standard output is closed"), ("--out", "p.json"): (0, "plan written to p.json")}
    for options, (code, said) in told.items():
        line = shlex.join([str(COMMAND), "optimize", "curves.json", "q.toml", *options]) + " >&-"
        done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1)
        assert said in done.stderr


def test_letters_that_the_terminal_lacks_are_escaped(peso, folder):
    asked = (folder / "q.toml").read_text().replace("Next year", "N\u00e4chstes \u6771")
    (folder / "q.toml").write_text(asked, encoding="utf-8")
    done = peso("optimize", "curves.json", "q.toml", cwd=folder, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "\\u6771" in done.stdout


def test_an_unknown_key_cannot_command_the_terminal(peso, folder):
    (folder / "q.toml").write_text('"\\u001b[31m" = 1\n' + (folder / "q.toml").read_text())
    done = peso("optimize", "curves.json", "q.toml", cwd=folder)
    assert done.returncode == 3
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(("out", "code", "words"), [("a" * 300, 8, "too long"), ("empty", 3, "is a folder, a file")])
def test_a_place_that_holds_no_plan_is_refused_before_the_work(peso, folder, out, code, words):
    (folder / "empty").mkdir()
    done = peso("optimize", "curves.json", "q.toml", "--out", out, cwd=folder)
    assert done.returncode == code
    assert words in done.stderr
    assert os.listdir(folder / "empty") == []


@pytest.mark.parametrize(
    "asked", ["whatif q.toml --fit curves.json", "frontier curves.json q.toml", "simulate online_retail", "demo"]
)
def test_a_file_where_a_folder_is_written_is_refused_before_the_work(peso, folder, asked):
    (folder / "held").write_text("mine")
    done = peso(*asked.split(), "--out", "held", "--force", cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "peso: held: is a file, a folder is needed; choose another --out\n"
    assert (folder / "held").read_text() == "mine"


def test_work_is_done_where_standard_error_is_closed(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with progress("simulate") as tell:
        tell("nobody hears")


INTERRUPT = """
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))

sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loading", ["engine.cli.verbs", "click", "engine.words", "engine.cli.optimize", "numpy"])
def test_asked_to_end_while_it_is_loaded_the_command_says_so_without_a_traceback(process, folder, loading, asking):
    (folder / "path").mkdir()
    (folder / "path" / "sitecustomize.py").write_text(INTERRUPT)
    path = {"PYTHONPATH": str(folder / "path"), "INTERRUPTED_AT": loading, "SIGNAL": str(int(asking))}
    done = process("optimize", "curves.json", "q.toml", "--out", "plan.json", cwd=folder, **path)
    assert (done.returncode, done.stdout) == (128 + asking, "")
    assert done.stderr.strip() == "peso: stopped; no file was left half-written"
    assert not (folder / "plan.json").exists()
