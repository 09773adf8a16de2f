"""`peso optimize` as a user runs it: what it prints, writes, refuses and loads."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("peso")
FIELDS = {  # of the file contract
    "schema", "status", "channels", "decisions", "spend", "value", "bound", "gap", "route", "binding", "prices",
    "baseline", "seconds", "currency", "period", "made_from",
}  # fmt: skip


def strict(text):
    """JSON without the constants that it does not have."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_the_plan_file_has_every_field_of_its_contract(process, folder):
    done = process("optimize", "curves.json", "q.toml", "--out", "plan.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    plan = strict((folder / "plan.json").read_text())
    assert FIELDS - set(plan) == set()
    assert (plan["schema"], plan["status"], plan["currency"]) == ("peso.plan/1", "certified", "USD")
    assert plan["channels"] == ["tv", "search", "pr"]
    assert plan["decisions"] == ["2027-01-04 to 2028-01-02"]
    assert sum(plan["spend"][0]) == pytest.approx(3000)
    assert {"mean", "p05", "p50", "p95"} <= set(plan["value"])
    assert plan["value"]["p05"] <= plan["value"]["p50"] <= plan["value"]["p95"]
    assert plan["bound"] >= plan["value"]["mean"]
    assert 0 <= plan["gap"] <= 1e-3
    assert "budget" in plan["binding"]
    assert {price["rule"] for price in plan["prices"]} == set(plan["binding"])
    assert all({"dual", "resolve"} <= set(price) for price in plan["prices"])
    assert {"spend", "value"} <= set(plan["baseline"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", plan["made_from"])
    assert done.stdout.startswith("Next year, ")
    assert done.stderr == "plan written to plan.json\n"


def test_json_is_one_strict_document_on_standard_output(peso, folder):
    done = peso("optimize", "curves.json", "q.toml", "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert strict(done.stdout)["schema"] == "peso.plan/1"


def test_a_plan_there_already_is_kept_unless_forced(peso, folder):
    (folder / "plan.json").write_text("mine")
    done = peso("optimize", "curves.json", "q.toml", "--out", "plan.json", cwd=folder)
    assert done.returncode == 3
    assert "already exists; choose another --out, or add --force" in done.stderr
    assert (folder / "plan.json").read_text() == "mine"
    assert done.stdout == ""
    done = peso("optimize", "curves.json", "q.toml", "--out", "plan.json", "--force", "-q", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert strict((folder / "plan.json").read_text())["status"] == "certified"


def test_no_plan_is_exit_4_with_conflict_and_remedy_and_nothing_is_written(peso, folder):
    before = sorted(path.name for path in folder.iterdir())
    done = peso("optimize", "curves.json", "cannot.toml", "--out", "plan.json", cwd=folder)
    assert done.returncode == 4
    assert done.stdout == ""
    assert "budget = USD 3,000; floor of tv >= USD 3,500" in done.stderr
    assert "lower floor of tv by USD 500 to USD 3,000" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == before
    (folder / "plan.json").write_text("mine")
    assert peso("optimize", "curves.json", "cannot.toml", "--out", "plan.json", "--force", cwd=folder).returncode == 4
    assert (folder / "plan.json").read_text() == "mine"


def test_a_fit_that_is_not_to_be_trusted_is_exit_5_unless_accepted(peso, folder):
    health = {"trust": "bad", "checks": [{"verdict": "bad", "sentence": "The chains did not mix."}]}
    (folder / "health.json").write_text(json.dumps(health))
    done = peso("optimize", ".", "q.toml", "--out", "plan.json", cwd=folder)
    assert done.returncode == 5
    assert "The chains did not mix." in done.stderr
    assert not (folder / "plan.json").exists()
    assert peso("optimize", ".", "q.toml", "--accept-weak-fit", cwd=folder).returncode == 0


WRONG = {
    "no curves": (["none.json", "q.toml"], ["none.json", "no such file"]),
    "no scenario": (["curves.json", "qq.toml"], ["qq.toml", "no such file", "q.toml"]),
    "a scenario as curves": (["q.toml", "q.toml"], ["q.toml", "is a TOML file, and curves are needed there"]),
    "curves as scenario": (["curves.json", "curves.json"], ["curves.json", "is JSON, and a TOML file is needed there"]),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG)
def test_wrong_files_are_exit_3_with_the_file_named(peso, folder, words, told):
    done = peso("optimize", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert [word for word in told if word not in done.stderr] == []
    assert "Traceback" not in done.stderr


def test_a_name_cannot_command_the_terminal(peso, folder):
    curves = json.loads((folder / "curves.json").read_text())
    curves["channels"][0]["name"] = "tv\x1b[31m"
    (folder / "curves.json").write_text(json.dumps(curves))
    (folder / "cannot.toml").write_text(
        (folder / "cannot.toml").read_text().replace("channels.tv", 'channels."tv\\u001b[31m"')
    )
    done = peso("optimize", "curves.json", "cannot.toml", cwd=folder)
    assert done.returncode == 4
    assert "\x1b" not in done.stderr
    assert "tv\\x1b[31m" in done.stderr


FAST = {
    "one budget": "",
    "groups that do not overlap": '[groups.a]\nkinds = ["paid"]\nshare = { max = 0.8 }\n'
    '[groups.b]\nkinds = ["earned"]\nshare = { min = 0.1 }\n',
}


@pytest.mark.parametrize("rules", FAST.values(), ids=FAST)
def test_most_questions_load_no_solver(folder, rules):
    (folder / "q.toml").write_text((folder / "q.toml").read_text().split("[groups")[0] + rules)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(COMMAND), "optimize", "curves.json", "q.toml"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(re.findall(r"^import time:.*\|\s*([A-Za-z_]\w*)", done.stderr, flags=re.MULTILINE))
    assert "numpy" in loaded
    assert loaded & {"jax", "jaxlib", "equinox", "numpyro", "cvxpy", "highspy", "scipy", "polars", "openpyxl"} == set()


def test_a_proof_is_announced_where_nobody_watches_unless_quiet(peso, folder):
    told = peso("optimize", "curves.json", "q.toml", "--prove", cwd=folder)
    assert told.stderr == "proving, which may take many minutes\n"
    assert peso("optimize", "curves.json", "q.toml", "--prove", "--quiet", cwd=folder).stderr == ""
