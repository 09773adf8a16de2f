"""A scenario that names an earlier plan: its file is read beside the scenario, and refused where it does not fit."""

import json

import numpy as np
import pytest

from engine.errors import InputError
from engine.optimize.plan_file import write_plan
from engine.study.ask import curves_of, plan, what_if
from engine.study.question import question

HEAD = 'name = "{0}"\nhorizon = {{ start = {1}, periods = {2}, decide = "{3}" }}\nbudget = {{ total = {4} }}\n'
CURVES = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "channels": [
        {
            "name": name,
            "kind": "paid",
            "adstock": {"family": "geometric", "retain": [0.3]},
            "saturation": {"family": "hill", "ceiling": [ceiling], "halfway": [900.0], "slope": [1.0]},
            "history": {"mean": 500.0, "max": 3000.0, "last": [500.0, 500.0]},
        }
        for name, ceiling in (("tv", 3000.0), ("search", 2000.0))
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Curves, a plan by quarter of the year before, and scenarios after it."""
    place = tmp_path_factory.mktemp("year")
    (place / "curves.json").write_text(json.dumps(CURVES))
    (place / "before.toml").write_text(HEAD.format("before", "2026-01-05", 52, "quarter", 60_000))
    write_plan(place / "plan.json", plan(place / "curves.json", place / "before.toml"))
    return place


def asked(folder, text, start="2027-01-04", periods=52, decide="quarter", total=80_000):
    path = folder / "scenario.toml"
    path.write_text(HEAD.format("now", start, periods, decide, total) + text)
    return path


def money(folder, path):
    return question(path, curves_of(folder / "curves.json")).last_plan.channels


def last(folder):
    return np.array(json.loads((folder / "plan.json").read_text())["spend"])


def test_quarters_are_bounded_by_the_quarters_of_the_last_plan(folder):
    path = asked(folder, '[last_plan]\nfile = "plan.json"\nmin = 1.1\nmax = 1.5\n')
    assert pytest.approx(last(folder)) == np.array(list(money(folder, path).values())).T
    found = np.array(plan(folder / "curves.json", path).chosen.decided)
    assert np.all(found >= 1.1 * last(folder) - 1e-2) and np.all(found <= 1.5 * last(folder) + 1e-2)


def test_another_length_or_rhythm_is_bounded_by_the_total_in_as_many_periods(folder):
    for periods, decide in ((26, "quarter"), (52, "horizon"), (52, "month")):
        found = money(folder, asked(folder, '[last_plan]\nfile = "plan.json"\n', periods=periods, decide=decide))
        assert found["tv"] == pytest.approx((last(folder)[:, 0].sum() * periods / 52,))


def test_money_in_the_scenario_counts_before_that_of_the_file(folder):
    text = '[last_plan]\nfile = "plan.json"\nmax = 1.2\n[last_plan.channels]\nsearch = [7]\n'
    found = money(folder, asked(folder, text))
    assert found["search"] == (7.0,) and len(found["tv"]) == 4


def test_what_if_reads_the_plan_too(folder):
    path = asked(folder, '[last_plan]\nfile = "plan.json"\nmin = 1\n', decide="horizon")
    assert what_if(folder / "curves.json", [path])[0].plan is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "peso.curves/1"}, r"no plan \(schema peso.plan/1\)"),
        ({"currency": "EUR"}, r"currency of the last plan is 'EUR' and that of the curves 'USD'"),
        ({"period": "month"}, r"period of the last plan is 'month'"),
        ({"channels": ["tv", "tv"]}, r"its channels are no list of names"),
        ({"horizon": {"start": "2026-01-05", "periods": 0}}, r"horizon.periods is 0"),
        ({"horizon": {"start": "soon", "periods": 52}}, r"its decisions do not begin with its periods"),
        ({"decisions": ["2026-01-06 to 2026-12-01"]}, r"its decisions do not begin with its periods"),
        ({"schedule": [[1.0, -1.0]] * 52}, r"its schedule needs 52 rows of 2 amounts"),
        ({"spend": [[1.0, 2.0]] * 4}, r"spend of '.*' in decision \d is .* adds up to .*; edit both alike"),
        ({"spend": [[1.0, 2.0]]}, r"its spend needs 4 rows of 2 amounts"),
        ({"channels": ["tv", "radio"]}, r"the last plan says nothing of 'search'"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(folder, change, words):
    told = json.loads((folder / "plan.json").read_text()) | change
    (folder / "other.json").write_text(json.dumps(told))
    path = asked(folder, '[last_plan]\nfile = "other.json"\nmin = 0.5\n')
    with pytest.raises(InputError, match=words):
        plan(folder / "curves.json", path)
