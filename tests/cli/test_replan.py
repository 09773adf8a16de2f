"""`peso replan` as a user runs it: what it prints, writes, refuses and loads."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("peso")
QUESTION = """name = "By quarter"
horizon = { start = 2027-01-04, periods = 52, decide = "quarter" }
budget = { total = 3000 }
[ramp]
max_change = 0.5
"""
DAY = ("--as-of", "2027-04-19")


@pytest.fixture
def begun(folder, peso):
    """Curves, a question by quarter, its plan and fifteen weeks of spend, with a column too many."""
    (folder / "q.toml").write_text(QUESTION)
    days = [date(2027, 1, 4) + timedelta(7 * week) for week in range(15)]
    (folder / "spent.csv").write_text("\n".join(["date,tv,search,pr,note", *(f"{day},25,20,15,x" for day in days)]))
    done = peso("optimize", "curves.json", "q.toml", "--out", "plan.json", "-q", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_new_plan_is_told_and_written_with_the_past_as_it_was(begun, process):
    asked = ("replan", "curves.json", "q.toml", *DAY, "--spent", "spent.csv", "--plan", "plan.json")
    done = process(*asked, "--out", "new.json", cwd=begun)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "plan written to new.json\n"
    assert done.stdout.startswith("By quarter, 2027-04-19 to 2028-01-02: of USD 3,000, USD 900 are spent; with the")
    assert "What was spent: spent.csv; columns not used: note. That leaves USD 2,100 where the earlier" in done.stdout
    plan = json.loads((begun / "new.json").read_text())
    assert plan["schema"] == "peso.plan/1"
    assert plan["schedule"][:15] == [pytest.approx([25.0, 20.0, 15.0])] * 15
    assert sum(map(sum, plan["spend"])) == pytest.approx(3000)
    assert plan["replan"]["as_of"] == "2027-04-19"
    assert plan["replan"]["against"] == "going on with the earlier plan"
    told = json.loads(process(*asked, "--json", cwd=begun).stdout)
    assert told.keys() == plan.keys()
    assert told["spend"] == plan["spend"]


def test_without_a_table_the_earlier_plan_says_what_was_spent_and_the_text_says_so(begun, peso):
    done = peso("replan", "curves.json", "q.toml", *DAY, "--plan", "plan.json", cwd=begun)
    assert done.returncode == 0, done.stderr
    assert "taken from plan.json as if carried out to the letter (no --spent is given)" in done.stdout


def test_without_an_earlier_plan_history_is_what_it_is_compared_with(begun, peso):
    done = peso("replan", "curves.json", "q.toml", *DAY, "--spent", "spent.csv", cwd=begun)
    assert done.returncode == 0, done.stderr
    assert "against history's split of the money that is left" in done.stdout
    assert "rest, history" in done.stdout


WRONG = {
    "nothing says what was spent": ([*DAY], 3, "give --spent FILE"),
    "a day within a week": (["--as-of", "2027-04-20", "--plan", "plan.json"], 3, "the next is 2027-04-26"),
    "a day after the horizon": (["--as-of", "2028-04-17", "--plan", "plan.json"], 3, "lies outside the horizon"),
    "no day": (["--as-of", "soon"], 2, "'soon' is no date of the calendar; write one as 2027-07-05"),
    "no date at all": ([], 2, "--as-of"),
    "no such table": ([*DAY, "--spent", "spend.csv"], 3, "spend.csv: no such file"),
    "no such plan": ([*DAY, "--plan", "plans.json"], 3, "plans.json: no such file"),
    "a table too short": (["--as-of", "2027-04-26", "--spent", "spent.csv"], 3, "no row for 2027-04-19"),
    "a table too long": (["--as-of", "2027-04-12", "--spent", "spent.csv"], 3, "2027-04-12 lies outside what is over"),
    "an input as output": ([*DAY, "--plan", "plan.json", "--out", "plan.json", "--force"], 3, "is an input"),
    "a folder as output": ([*DAY, "--plan", "plan.json", "--out", ".", "--force"], 3, "is a folder"),
    "a file that is there": ([*DAY, "--plan", "plan.json", "--out", "spent.csv"], 3, "already exists"),
}


@pytest.mark.parametrize(("words", "code", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_answered_is_refused_and_nothing_is_written(begun, peso, words, code, told):
    before = names(begun)
    done = peso("replan", "curves.json", "q.toml", *words, cwd=begun)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert names(begun) == before


def test_a_table_in_thousands_is_refused(begun, peso):
    head, *rows = (begun / "spent.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    lines = [",".join([day, *(cell if cell.isalpha() else f"{cell}e-3" for cell in money)]) for day, *money in cells]
    (begun / "spent.csv").write_text("\n".join([head, *lines]))
    done = peso("replan", "curves.json", "q.toml", *DAY, "--spent", "spent.csv", cwd=begun)
    assert (done.returncode, done.stdout) == (3, "")
    assert "seems to be in thousands of" in " ".join(done.stderr.split())


def test_a_rule_that_was_broken_is_told_and_a_budget_that_is_spent_is_exit_4(begun, peso):
    (begun / "q.toml").write_text(QUESTION + "[channels.tv]\nquarter_cap = 300\n")
    done = peso("replan", "curves.json", "q.toml", *DAY, "--spent", "spent.csv", cwd=begun)
    assert done.returncode == 0, done.stderr
    assert "what was spent has broken quarter cap of tv from 2027-01-04 <= USD 300" in " ".join(done.stdout.split())
    (begun / "q.toml").write_text(re.sub(r"total = [\d_]+", "total = 300", QUESTION))
    before = names(begun)
    done = peso("replan", "curves.json", "q.toml", *DAY, "--spent", "spent.csv", "--out", "new.json", cwd=begun)
    assert (done.returncode, done.stdout) == (4, "")
    assert "breaks budget = USD 300" in " ".join(done.stderr.split())
    assert names(begun) == before


def test_replanning_loads_no_jax(begun):
    asked = ["replan", "curves.json", "q.toml", *DAY, "--plan", "plan.json"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(COMMAND), *asked],
        cwd=begun,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(re.findall(r"^import time:.*\|\s*([A-Za-z_]\w*)", done.stderr, flags=re.MULTILINE))
    assert "numpy" in loaded
    assert loaded & {"jax", "jaxlib", "equinox", "numpyro", "polars", "openpyxl"} == set()
