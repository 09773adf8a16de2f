"""Tuning on the command line stands beside the stress test, and is refused where it says nothing."""

import json

import pytest

YEAR = """name = "Half a year"
horizon = { start = 2027-01-04, periods = 26, decide = "quarter" }
budget = { total = 1500 }
"""
CUT = """[[shocks]]
name = "cut"
kind = "budget"
factor = 0.5
from = 2027-04-05
chance = 0.5
"""


@pytest.fixture
def asked(folder):
    """Curves, and half a year that may be cut."""
    (folder / "s.toml").write_text(YEAR + CUT)
    return folder


def words(*more):
    return ["stress", "s.toml", "--fit", "curves.json", "--out", "out", "--workers", "1", *more]


def test_tuned_policies_stand_in_the_document_and_in_the_text(peso, asked):
    told = peso(*words("--paths", "8", "--policy", "hold", "--tune", "trigger"), cwd=asked)
    assert told.returncode == 0, told.stderr
    (one,) = json.loads((asked / "out" / "stress.json").read_text())["tuned"]
    assert (one["policy"], one["of"], one["paths"]) == ("trigger", "mean", [500, 8])
    assert f"Plan anew when {100 * one['choice']['band']:.1f} % or more off the plan" in " ".join(told.stdout.split())


def test_without_tuning_the_document_has_none(peso, asked):
    done = peso(*words("--paths", "8", "--policy", "hold", "--json"), cwd=asked)
    assert "tuned" not in json.loads(done.stdout)


@pytest.mark.parametrize(
    ("code", "more", "said"),
    [
        (2, ["--tune-for", "worst"], "--tune-for goes with --tune"),
        (2, ["--tune", "hold"], "'hold' is not one of 'reserve', 'trigger'"),
        (3, ["--tune", "reserve", "--set", "ladder"], "--tune needs shocks by chance"),
    ],
)
def test_what_cannot_be_tuned_is_refused_and_nothing_is_written(peso, asked, code, more, said):
    done = peso(*words(*more), cwd=asked)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert not (asked / "out").exists()
