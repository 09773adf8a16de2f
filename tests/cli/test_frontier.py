"""`peso frontier` as a user runs it: what it prints, writes, refuses and draws."""

import csv
import json

import pytest


def test_the_decision_comes_first_then_every_budget_and_the_proof(peso, folder):
    done = peso("frontier", "curves.json", "q.toml", "--points", "3", cwd=folder)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.strip().split("\n\n")
    assert first.startswith("Next year, 2027-01-04 to 2028-01-02: USD 3,000 bring USD ")
    assert "Money pays up to USD " in first
    assert "History's split of USD 4,680 brings USD " in first
    assert "\n> 3,000 " in done.stdout
    assert last.startswith("Proof: 3 of 3 plans certified")


def test_files_hold_every_figure_once_more(peso, folder):
    done = peso("frontier", "curves.json", "q.toml", "--points", "3", "--out", "answers", "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "answers written to answers\n")
    written = json.loads((folder / "answers" / "frontier.json").read_text())
    assert written == json.loads(done.stdout)
    assert (written["schema"], written["currency"], written["period"]) == ("peso.frontier/1", "USD", "week")
    assert written["made_from"].startswith("sha256:")
    assert [point["budget"] for point in written["points"]] == [1500, 3000, 4500]
    assert all(point["status"] == "certified" for point in written["points"])
    rows = list(csv.DictReader((folder / "answers" / "frontier.csv").open()))
    for row, point in zip(rows, written["points"], strict=True):
        assert float(row["outcome"]) == point["outcome"]["mean"]
        assert float(row["spend: tv"]) == point["spend"][0]
    assert sorted(path.name for path in (folder / "answers").iterdir()) == [
        "charts.json",
        "frontier.csv",
        "frontier.json",
    ]


def test_budgets_may_be_money_and_profit_is_told_where_there_is_a_margin(peso, folder):
    text = (folder / "q.toml").read_text() + '[goal]\nmaximise = "profit"\nmargin = 0.6\n'
    (folder / "profit.toml").write_text(text)
    asked = ("frontier", "curves.json", "profit.toml", "--from", 400, "--to", 800, "--money", "--points", 2, "--json")
    found = json.loads(peso(*asked, cwd=folder).stdout)
    assert [point["budget"] for point in found["points"]] == [400, 800]
    for point in found["points"]:
        assert point["profit"]["mean"] == pytest.approx(0.6 * point["outcome"]["mean"] - point["budget"])
    assert [each["by"] for each in found["break_even"]] == ["revenue", "margin"]


def test_one_goal_is_set_against_another(peso, folder):
    asked = ("frontier", "curves.json", "q.toml", "--against", "earned", "--points", "4")
    done = peso(*asked, "--out", "answers", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "most in all with USD " in done.stdout.splitlines()[0]
    written = json.loads((folder / "answers" / "balances.json").read_text())
    assert (written["schema"], written["members"]) == ("peso.balances/1", ["pr"])
    assert {path.name for path in (folder / "answers").iterdir()} == {"balances.csv", "balances.json", "charts.json"}


TRADES = {
    ("--between", "outcome", "brand"): ["outcome", "brand"],
    ("--risk", "cvar"): ["mean", "worst 10 %"],
}


@pytest.mark.parametrize("way", TRADES)
def test_two_goals_are_weighed_against_each_other(peso, folder, way):
    done = peso("frontier", "curves.json", "q.toml", *way, "--points", "3", "--out", "answers", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "answers written to answers\n"
    written = json.loads((folder / "answers" / "trades.json").read_text())
    assert max(map(len, done.stdout.split("\n\n")[1].splitlines()[: 1 + len(written["points"])])) <= 80
    assert (written["schema"], written["goals"]) == ("peso.trades/1", TRADES[way])
    rows = list(csv.DictReader((folder / "answers" / "trades.csv").open()))
    chart = json.loads((folder / "answers" / "charts.json").read_text())["charts"]["trades"]
    dots = chart["layer"][0]["data"]["values"]
    for row, dot, point in zip(rows, dots, written["points"], strict=True):
        assert float(row[TRADES[way][0]]) == point["first"] == pytest.approx(dot["first"], rel=1e-3)
        assert float(row["spend: tv"]) == point["by_channel"][0]
        assert point["first"] <= written["points"][0]["first"]
        assert sum(point["by_channel"]) == pytest.approx(3_000)


@pytest.mark.parametrize(("more", "name"), [((), "frontier"), (("--against", "earned"), "balances")])
def test_a_chart_shows_the_figures_of_its_table_and_loads_nothing(peso, folder, more, name):
    done = peso("frontier", "curves.json", "q.toml", *more, "--points", "3", "--out", "answers", cwd=folder)
    assert done.returncode == 0, done.stderr
    written = json.loads((folder / "answers" / "charts.json").read_text())
    assert (written["schema"], list(written["charts"])) == ("peso.charts/1", [name])
    chart = written["charts"][name]
    assert chart["$schema"].endswith("vega-lite/v5.json")
    found = json.loads((folder / "answers" / f"{name}.json").read_text())
    line = chart["vconcat"][0]["layer"][1] if name == "frontier" else chart["layer"][0]
    values = line["data"]["values"]
    side = [point["outcome" if name == "frontier" else "others"]["mean"] for point in found["points"]]
    assert [value["mean" if name == "frontier" else "others"] for value in values] == pytest.approx(side, rel=1e-3)
    assert "url" not in json.dumps(chart)


def test_text_of_data_is_never_part_of_the_grammar(peso, folder):
    text = (folder / "curves.json").read_text().replace('"revenue"', "\"net['x'] </script>\"")
    (folder / "curves.json").write_text(text)
    done = peso("frontier", "curves.json", "q.toml", "--points", "2", "--out", "answers", cwd=folder)
    assert done.returncode == 0, done.stderr
    charts = json.loads((folder / "answers" / "charts.json").read_text())["charts"]

    def fields(part):
        if isinstance(part, dict):
            yield from [part["field"]] if "field" in part else []
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                yield from fields(inner)

    assert set(fields(charts)) <= {"budget", "low", "high", "mean", "brings", "line"}


REFUSED = {
    ("--from", "2", "--to", "1"): (3, "they must rise from above 0"),
    ("--points", "1"): (3, "in 2 to 500 points"),
    ("--from", "50"): (3, "write 0.5 for 50 %, or add --money"),
    ("--from", "50", "--to", "150"): (3, "write 0.5 for 50 %"),
    ("--money", "--from", "0.05", "--to", "0.15"): (3, "leave out --money where multiples of it are meant"),
    ("--money", "--from", "3"): (2, "give both"),
    ("--against", "earned", "--to", "2"): (2, "--against steps through one budget"),
    ("--against", "brand"): (3, "no group 'brand'"),
    ("--between", "brand", "outcome"): (2, "the goals are outcome brand, in this order"),
    ("--between", "outcome", "brand", "--risk", "cvar"): (2, "--between and --risk are questions of their own"),
    ("--risk", "cvar", "--from", "0.5"): (2, "--risk steps through one budget"),
    ("--risk", "cvar", "--points", "1"): (3, "2 to 500 are needed"),
    ("--out", "."): (3, "already exists"),
    ("--out", "curves.json", "--force"): (3, "is a file, a folder is needed"),
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_says_nothing_is_refused_before_any_work(peso, folder, options):
    code, told = REFUSED[options]
    done = peso("frontier", "curves.json", "q.toml", *options, cwd=folder)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_what_the_margin_is_of_and_that_the_scenario_s_own_budget_is_not_looked_at_are_told(peso, folder):
    with (folder / "q.toml").open("a") as asked:
        asked.write('[risk]\nmeasure = "cvar"\nlevel = 0.5\n')
    done = peso("frontier", "curves.json", "q.toml", "--points", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "USD 1,500 (looked at as nearest to the scenario's USD 3,000) bring" in done.stdout
    assert "> nearest to the scenario's budget;" in done.stdout
    assert "Plans are chosen by risk.measure 'cvar'; next 1, step 1" in done.stdout


def test_a_question_without_any_plan_is_exit_4(peso, folder):
    done = peso("frontier", "curves.json", "cannot.toml", "--points", "2", "--to", "1.1", cwd=folder)
    assert done.returncode == 4
    assert "floor of tv" in done.stderr
