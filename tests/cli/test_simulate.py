"""`peso simulate` as a user meets it: answers, files, engines, and what it refuses."""

import csv
import json

import polars
import pytest

from engine.errors import InputError
from engine.simulate.stages import BUSINESS

FILES = {"panel.csv", "model.toml", "funnel.csv", "truth.json", "manifest.json"}

TINY = """
name = "Tiny"
currency = "EUR"
start = 2022-01-03
population = 4_000
in_market = 0.2
noise = 0.05
purchase = { price = 9, margin = 0.4, repeat = 0.05 }
segments = { town = { share = 0.75 }, country = { share = 0.25 } }
[journey]
notice = 0.03
consider = 0.3
buy = 0.8
reconsider = 0.3
praise = 0.02
leave = 0.1
quiet = 0.05
forget = 0.04
cool = 0.12
[channels.tv]
mechanic = "reach"
cost_per_contact = 0.02
effect = { notice = 0.05, buy = 0.1 }
history = { mean = 10, noise = 0.3 }
[channels.post]
mechanic = "reach"
cost_per_contact = 0.05
effect = { consider = 0.1, buy = 0.1, repeat = 0.02 }
history = { mean = 20, on = 2, off = 2 }
[lift_tests.autumn]
channel = "post"
week = 40
weeks = 4
factor = 2
share = 0.5
"""

WEEKS = 52


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with a market of its own and a plan for the year after its history."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "tiny.toml").write_text(TINY)
    plan = {
        "schema": "peso.plan/1",
        "currency": "EUR",
        "period": "week",
        "horizon": {"start": "2023-01-02", "end": "2023-02-12", "periods": 6},
        "channels": ["post", "tv"],
        "schedule": [[25.0, 5.0]] * 6,
        "gain": {"mean": 30.0, "p05": -1e9, "p50": 30.0, "p95": 1e9},
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


@pytest.fixture(scope="module")
def simulate(peso, desk):
    """`simulate("--json")`: the command on the small market, in its folder."""

    def call(*more):
        return peso("simulate", "tiny.toml", "--weeks", WEEKS, *more, cwd=desk)

    return call


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_answer_is_a_sentence_a_funnel_the_truth_and_what_customers_are_worth(peso, tmp_path):
    done = peso("simulate", "b2b_software", "--weeks", "60", "--out", tmp_path / "world")
    assert done.returncode == 0, done.stderr
    first, funnel, truth, customers, *_ = done.stdout.strip().split("\n\n")
    assert first.startswith("B2B software, 60 weeks (seed 2027): ") and "would not have come without USD" in first
    assert [line.split()[0] for line in funnel.splitlines()] == ["stage", *BUSINESS.stages]
    assert truth.splitlines()[0].split()[:4] == ["channel", "kind", "spend", "brought"]
    assert truth.splitlines()[-1].startswith("USD over 60 weeks; brought: revenue lost without the channel")
    assert max(len(line) for line in [*funnel.splitlines(), *truth.splitlines()[:-1]]) <= 80
    assert "(CAC)" in customers and "(CLV)" in customers and "Market share" in customers
    assert {path.name for path in (tmp_path / "world").iterdir()} >= FILES
    again = peso("simulate", "b2b_software", "--out", tmp_path / "world")
    assert again.returncode == 3 and "already exists" in again.stderr


def test_one_json_document_says_what_was_run(simulate):
    answer = told(simulate("--seed", 5, "--json"))
    assert answer["schema"] == "peso.truth/1" and answer["seed"] == 5 and answer["engine"] == "mean"
    assert answer["people"] is None and answer["realised_revenue"] == pytest.approx(answer["revenue"], rel=1e-12)
    assert [test["name"] for test in answer["lift_tests"]] == ["autumn"]


@pytest.mark.parametrize(("engine", "people"), [("agents", 4_000), ("events", 2_000)])
def test_people_one_by_one_are_the_population_or_as_many_as_can_be_and_share_the_truth(simulate, engine, people):
    answer, mean = told(simulate("--engine", engine, "--json")), told(simulate("--json"))
    assert answer["people"] == people
    assert {key: answer[key] for key in ("revenue", "baseline", "channels")} == {
        key: mean[key] for key in ("revenue", "baseline", "channels")
    }
    assert answer["realised_revenue"] != answer["revenue"]
    assert answer["realised_revenue"] == pytest.approx(answer["revenue"], rel=0.25)


def test_noise_tells_how_far_luck_goes_and_less_of_it_for_more_people(simulate):
    few, many = (told(simulate("--engine", "noise", "--people", count, "--json")) for count in (1_000, 4_000))
    assert few["luck"]["revenue"]["deviation"] == pytest.approx(2 * many["luck"]["revenue"]["deviation"], rel=1e-9)
    assert few["luck"]["revenue"]["p05"] < few["revenue"] < few["luck"]["revenue"]["p95"]


@pytest.mark.parametrize("engine", ["mean", "agents"])
def test_other_money_with_the_same_luck_stands_beside_and_the_same_money_changes_nothing(simulate, engine):
    more = ("--counterfactual", "post=1", "--counterfactual", "tv=0", "--engine", engine, "--json")
    same, without = told(simulate(*more))["counterfactuals"]
    assert (same["spent"], same["revenue"], same["customers"]) == (0, 0, 0)
    assert without["channel"] == "tv" and without["spent"] < 0 and without["revenue"] < 0


@pytest.mark.parametrize("engine", ["mean", "agents"])
def test_a_panel_of_people_is_logged(simulate, desk, engine):
    answer = told(
        simulate("--engine", engine, "--people", 2_000, "--touches", 300, "--out", f"world_{engine}", "--json")
    )
    folder = desk / f"world_{engine}"
    log = polars.read_parquet(folder / "touches.parquet")
    assert set(log.columns) >= {"person", "time", "channel", "kind", "cost", "stage_before", "stage_after"}
    assert set(log.columns) >= {"converted", "value", "true_cause"}
    assert 100 < log["person"].n_unique() <= 300
    paths = list(csv.DictReader((folder / "paths.csv").open()))
    assert sum(int(row["conversions"]) for row in paths) == log["converted"].sum()
    assert sum(float(row["value"]) for row in paths) == pytest.approx(log["value"].sum(), abs=0.01)
    scaled = log["value"].sum() * 4_000 / 300
    assert scaled == pytest.approx(answer["realised_revenue"], rel=0.3)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["engine"] == engine and {"touches.parquet", "paths.csv", "lift_tests.csv"} <= set(manifest["files"])


def test_a_log_that_cannot_be_written_is_refused_before_the_market_is_built(simulate, desk, monkeypatch):
    def absent():
        raise InputError("writing Parquet needs an optional package")

    monkeypatch.setattr("engine.data.columnar.require_parquet", absent)
    monkeypatch.setattr("engine.study.imagine.imagine", None)
    done = simulate("--people", 100, "--out", "unlogged")
    assert done.returncode == 3 and "writing Parquet needs" in done.stderr and not (desk / "unlogged").exists()


def test_a_plan_is_played_after_the_history_beside_its_promise(simulate):
    answer = told(simulate("--plan", "plan.json", "--json"))
    assert answer["window"]["periods"] == WEEKS + 6
    plan = answer["plan"]
    assert plan["spend"] == pytest.approx(180.0) and plan["promised_gain"]["mean"] == 30.0
    assert plan["gain"] == pytest.approx(plan["revenue"] - plan["baseline_revenue"])


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--engine", "agents", "--people", "1000000000000"), 3, "use --engine mean"),
        (("--engine", "events", "--people", "0"), 3, "ask for at least 1"),
        (("--engine", "noise", "--people", "9" * 400), 3, "ask for fewer"),
        (("--counterfactual", "radio=0"), 3, "has no channel 'radio' (it has tv, post)"),
        (("--counterfactual", "tv"), 2, "write channel=factor"),
        (("--counterfactual", "tv=-1"), 2, "write channel=factor"),
        (("--counterfactual", "tv=nan"), 2, "write channel=factor"),
        (("--touches", "-1"), 2, "--touches"),
        (("--touches", "1000000000", "--people", "10", "--out", "never"), 3, "log at most"),
        (("--touches", "5"), 2, "--out"),
        (("--plan", "nowhere.json"), 3, "nowhere.json: no such file"),
        (("--device", "gpu"), 6, "GPU"),
        (("--weeks", "7"), 2, "8"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_leaves_nothing(simulate, desk, more, code, words):
    done = simulate(*more)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (desk / "never").exists()


def test_an_unknown_market_is_refused_with_those_that_come_along(peso, tmp_path):
    done = peso("simulate", "offline_retail", cwd=tmp_path)
    assert done.returncode == 3
    assert "no such file, and no sample of that name" in done.stderr and "packaged_goods" in done.stderr


@pytest.mark.parametrize("engine", ["mean", "agents"])
def test_a_market_in_which_nobody_buys_is_told_so(peso, tmp_path, engine):
    (tmp_path / "dead.toml").write_text(TINY.replace("in_market = 0.2", "in_market = 1e-300"))
    done = peso("simulate", "dead.toml", "--weeks", 20, "--engine", engine, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no revenue at all, with EUR" in done.stdout


def test_a_name_cannot_command_the_terminal(peso, tmp_path):
    (tmp_path / "red.toml").write_text(TINY.replace('"Tiny"', '"\\u001b[31mTiny"'))
    done = peso("simulate", "red.toml", "--weeks", 20, cwd=tmp_path)
    assert done.returncode == 0 and "\x1b" not in done.stdout and "\\x1b[31mTiny" in done.stdout


def test_people_read_of_luck_the_plan_and_lift_tests_that_were_not_done(peso, desk):
    plan = {**json.loads((desk / "plan.json").read_text()), "horizon": {"start": "2022-05-23"}}
    (desk / "early.json").write_text(json.dumps(plan))
    done = peso("simulate", "tiny.toml", "--weeks", 20, "--engine", "noise", "--plan", "early.json", cwd=desk)
    assert done.returncode == 0, done.stderr
    assert "Lift tests not done, because the history ends before they do: autumn." in done.stdout
    assert "Luck of 4,000 people" in done.stdout
    assert "spend EUR 180" in done.stdout and "the truth lies within that range" in done.stdout
