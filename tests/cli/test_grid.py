"""`peso whatif --grid` as a user runs it: one scenario varied, the decision first, every row in files."""

import csv
import json
import re
import tomllib

import pytest

from engine.config.grid import Grid

COMBINED = (
    "[budget]\nmultiple = [0.8, 1.2]\n[price]\ntv = { from = 1.0, to = 1.5, steps = 3 }\n[effect]\nsearch = [0.9]\n"
)
LISTED = """[[rows]]
name = "TV dear"
multiple = 0.9
price = { tv = 1.2 }
[[rows]]
effect = { pr = 0.5, tv = 1.1 }
[[rows]]
total = 2500
"""


def varied(peso, folder, text, *more):
    (folder / "grid.toml").write_text(text)
    return peso("whatif", "q.toml", "--grid", "grid.toml", "--fit", "curves.json", *more, cwd=folder)


def test_the_decision_stands_first_then_the_rows_then_the_proof(peso, folder):
    done = varied(peso, folder, COMBINED)
    assert done.returncode == 0, done.stderr
    decision, table, proof = done.stdout.strip().split("\n\n")
    assert decision.startswith(
        "Next year, 6 variations: best is 'budget x 1.2, tv price x 1, search effect x 0.9' with "
    )
    assert "; worst is 'budget x 0.8, tv price x 1.5, search effect x 0.9' with " in decision
    assert [line.split("  ")[0] for line in table.splitlines()[:2]] == [
        "variation",
        "budget x 1.2, tv price x 1, search effect x 0.9",
    ]
    assert len(table.splitlines()) == 1 + 6 + 1 + 1  # header, rows, as asked, notes
    assert proof.startswith("Proof: 6 of 6 variations certified; ")


def test_a_long_table_is_cut_in_the_middle_and_says_so(peso, folder):
    done = varied(peso, folder, "[budget]\nmultiple = { from = 0.5, to = 1.5, steps = 40 }\n")
    assert "40 variations" in done.stdout
    assert "28 rows between are not shown, --out and --json give all" in done.stdout
    assert len(done.stdout.split("\n\n")[1].splitlines()) == 1 + 12 + 1 + 1


def test_every_row_is_in_the_document_and_in_the_files(peso, folder):
    done = varied(peso, folder, COMBINED, "--json", "--out", "answers")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "peso.grid/1"
    assert json.loads((folder / "answers" / "grid.json").read_text()) == told
    assert told["rows"][0]["name"] == "as asked"
    settings = [tuple(row["settings"].values()) for row in told["rows"][1:]]
    assert settings == [(m, p, 0.9) for m in (0.8, 1.2) for p in (1.0, 1.25, 1.5)]
    for row in told["rows"]:
        assert row["status"] == "certified"
        assert row["value"] <= row["bound"]
        assert sum(row["spend"]) == pytest.approx(row["budget"], rel=1e-9)
        assert row["spend"][2] >= 0.2 * row["budget"] * (1 - 1e-9)  # a fifth to earned channels
    with (folder / "answers" / "grid.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["spend tv"]) for row in rows] == [row["spend"][0] for row in told["rows"]]
    assert [float(row["budget.multiple"]) for row in rows] == [1.0, 0.8, 0.8, 0.8, 1.2, 1.2, 1.2]


def test_a_row_is_worth_what_the_same_scenario_is_worth_alone(peso, folder):
    told = json.loads(varied(peso, folder, "[budget]\ntotal = [2000, 4000]\n", "--json").stdout)
    for row, total in zip(told["rows"][1:], (2000, 4000), strict=True):
        (folder / "alone.toml").write_text((folder / "q.toml").read_text().replace("3000", str(total)))
        alone = json.loads(peso("optimize", "curves.json", "alone.toml", "--json", cwd=folder).stdout)
        assert row["value"] == pytest.approx(alone["net"], rel=1e-3)
        assert row["bound"] >= alone["net"] * (1 - 1e-12)


def test_listed_rows_keep_their_names_and_leave_the_rest_as_asked(peso, folder):
    told = json.loads(varied(peso, folder, LISTED, "--json").stdout)
    assert [row["name"] for row in told["rows"]] == [
        "as asked",
        "TV dear",
        "pr effect x 0.5, tv effect x 1.1",
        "budget 2500",
    ]
    assert [row["budget"] for row in told["rows"]] == [3000.0, 2700.0, 3000.0, 2500.0]
    assert told["rows"][2]["settings"]["budget.multiple"] is None


def test_all_channels_together_are_an_axis(peso, folder):
    told = json.loads(varied(peso, folder, "[every_channel]\neffect = [0.5]\nprice = [2.0]\n", "--json").stdout)
    base, row = told["rows"]
    halved = varied(peso, folder, "[budget]\ntotal = [1500]\n", "--json")
    assert row["value"] == pytest.approx(0.5 * json.loads(halved.stdout)["rows"][1]["value"], rel=1e-3)
    assert row["value"] < base["value"]


def test_rows_without_a_plan_are_exit_4_after_all_answers(process, folder):
    (folder / "q.toml").write_text((folder / "q.toml").read_text() + "[channels.tv]\nfloor = 2800\ncap = 2900\n")
    done = varied(process, folder, "[budget]\nmultiple = [1.0, 1.3, 0.9]\n", "--json")
    assert done.returncode == 4
    assert "no plan for 2 of 3 variations, the first is 'budget x 1', nor for the scenario as asked; ask" in done.stderr
    told = json.loads(done.stdout)
    assert [row["status"] for row in told["rows"]] == ["no plan", "no plan", "certified", "no plan"]
    assert [row["value"] is None for row in told["rows"]] == [True, True, False, True]


def test_rows_are_told_without_a_plan_as_asked_to_compare_with(peso, folder):
    (folder / "q.toml").write_text((folder / "q.toml").read_text() + "[channels.tv]\nfloor = 2800\n")
    done = varied(peso, folder, "[budget]\nmultiple = [1.3, 0.9]\n")
    assert done.returncode == 4
    assert done.stdout.startswith("Next year, 2 variations: 'budget x 1.3' with USD ")
    assert "against the plan as asked)" not in done.stdout
    assert "1 without a plan, the first is 'budget x 0.9'" in done.stdout
    done = varied(peso, folder, "[budget]\nmultiple = [1.3]\n")
    assert (done.returncode, "no plan for the scenario as asked; ask it alone" in done.stderr) == (4, True)


def test_rows_are_ranked_by_what_is_maximised_and_that_is_what_is_said_and_proven(peso, folder):
    """Without effect a channel has no doubt, so that moves from it are not charged for any."""
    (folder / "q.toml").write_text((folder / "q.toml").read_text() + "[goal]\nprudence = 1.0\n")
    done = varied(peso, folder, "[effect]\ntv = [0, 0.2, 0.4, 0.6, 0.8, 1.0]\n", "--json")
    rows = {row["name"]: row["value"] for row in json.loads(done.stdout)["rows"][1:]}
    told = varied(peso, folder, "[effect]\ntv = [0, 0.2, 0.4, 0.6, 0.8, 1.0]\n").stdout
    order = [line.split("  ")[0] for line in told.split("\n\n")[1].splitlines()[1:7]]
    assert order == sorted(rows, key=lambda name: -rows[name])
    assert f"best after the charge for the doubt of its moves is {order[0]!r}" in told
    assert "before the charge for the doubt of moves, after which rows are ranked" in told
    assert "above what its plan is worth after the charge for the doubt of its moves" in told


REFUSED = {
    "no such channel": (
        "[price]\ntvv = [1.2]\n",
        "'tvv' under price, which the curves do not have; did you mean 'tv'?",
    ),
    "nothing": ("", "nothing varies; write budget, price, effect, every_channel or rows"),
    "both ways": ('[price]\ntv = [1.0]\n[[rows]]\nname = "x"\n', "rows and price.tv are both given"),
    "both budgets": ("[budget]\nmultiple = [1.0]\ntotal = [5]\n", "exactly one of multiple and total is needed"),
    "percent": ("[budget]\nmultiple = [80]\n", "budget.multiple holds 80, not from 1e-06 to 10"),
    "no price": ("[price]\ntv = [0]\n", "price.tv holds 0, not from 0.01 to 10"),
    "a percentage": ("[price]\ntv = [90, 110]\n", "write 0.9 for 90 %"),
    "too many": (
        "[budget]\nmultiple = { from = 0.5, to = 1.5, steps = 1000 }\n[price.tv]\nfrom = 1\nto = 2\nsteps = 101\n",
        "101000 rows (budget.multiple 1000 x price.tv 101) are above the limit of 100000; write shorter lists",
    ),
    "unknown key": ("[prices]\ntv = [1.0]\n", "did you mean 'price'?"),
    "no values": ("[price]\ntv = []\n", "price.tv"),
    "one value of a list": ("[effect]\ntv = [0, -1]\n", "effect.tv.1 = -1: must be greater than or equal to 0"),
    "one value of a table": ("[effect]\ntv = { from = 0, to = 2, steps = 1 }\n", "effect.tv.steps = 1: must be"),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_a_grid_that_cannot_be_is_refused_with_its_place(peso, folder, text, told):
    done = varied(peso, folder, text)
    assert (done.returncode, done.stdout) == (3, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_grid_varies_one_scenario_without_a_base_on_a_device_that_is_there(peso, folder):
    (folder / "grid.toml").write_text(COMBINED)
    asked = ("whatif", "q.toml", "--fit", "curves.json")
    assert peso(*asked, "cannot.toml", "--grid", "grid.toml", cwd=folder).returncode == 2
    assert peso(*asked, "--base", "q.toml", "--grid", "grid.toml", cwd=folder).returncode == 2
    assert peso(*asked, "--device", "gpu", cwd=folder).returncode == 2


def test_an_answer_folder_in_use_is_kept_unless_forced(peso, folder):
    (folder / "answers").mkdir()
    (folder / "answers" / "mine.txt").write_text("mine")
    assert varied(peso, folder, COMBINED, "--out", "answers").returncode == 3
    assert varied(peso, folder, COMBINED, "--out", "answers", "--force").returncode == 0
    assert sorted(path.name for path in (folder / "answers").iterdir()) == ["grid.csv", "grid.json", "mine.txt"]


def test_both_examples_of_the_help_are_grids_as_they_stand(peso):
    shown = peso("whatif", "--help").stdout
    examples = re.split(r"\n(?=  \S)", shown.partition("a row:")[2].partition("Options:")[0])
    texts = [block.partition("\n\n")[2] for block in examples if "    [" in block]
    assert [len(Grid.model_validate(tomllib.loads(text)).rows) for text in texts] == [0, 1]
