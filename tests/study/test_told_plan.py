"""Plans read back: what the engine wrote is taken, what was changed by hand is refused in a sentence that names it."""

import json
from copy import deepcopy

import pytest

from engine.config.loading import LARGEST_MONEY
from engine.errors import InputError
from engine.optimize.plan import optimize
from engine.study.earlier_plan import same_money
from engine.study.runs import read_runs
from tests.optimize import builders
from tests.report.runs import written


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every kind of run."""
    return written(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def told(runs):
    """The document of a plan."""
    return json.loads(runs["year"].read_text())


def at(told, *keys):
    """What holds the last key, and that."""
    for key in keys[:-1]:
        told = told[key]
    return told, keys[-1]


DAMAGES = {
    "no channels": (("channels",), lambda _: None, "lacks what plans of this version tell|by_channel does not tell"),
    "a chance above one": (("chance_of_loss",), lambda _: 7.5, "chance_of_loss is 7.5"),
    "a chance below none": (("chance_of_loss",), lambda _: -1, "chance_of_loss is -1"),
    "falling points": (("gain", "p05"), lambda _: 1e9, "gain: its 5, 50 and 95 % points"),
    "falling points of a channel": (("by_channel", 0, "outcome", "p95"), lambda _: -1e9, "points .* do not rise"),
    "a mean of nothing": (("outcome", "mean"), lambda mean: 1.5 * mean, "outcome.mean is .* outcomes of its channels"),
    "another value": (("value", "mean"), lambda mean: 1.5 * mean, "value.mean is"),
    "another point of its value": (("value", "p95"), lambda point: point + 1.0, "value.p95 is"),
    "another level": (("strategy", "levels", 0, "spend"), lambda spend: spend + 1.0, "strategy, kind .* its members"),
    "another share": (("strategy", "levels", 0, "share"), lambda _: 1.1, "share is 1.1, and from its spend"),
    "another risk": (("risk",), lambda _: "luck", "risk is 'luck', none of mean, "),
    "no time": (("seconds",), lambda _: -1, "seconds is -1"),
    "another base, uneven": (("baseline", "spend"), lambda _: [[1.0], [2.0, 3.0]], "baseline.spend adds up"),
    "another schema": (("schema",), lambda _: [[]], "no run that a report can show"),
    "another gain": (("gain", "mean"), lambda mean: mean + 1.0, "gain.mean is .* value less baseline.value"),
    "another base": (("baseline", "outcome", "mean"), lambda mean: mean + 1.0, "baseline.value.mean is"),
    "another toll": (("tolls",), lambda tolls: tolls + 1.0, "net is .* value less tolls"),
    "a bound below its plan": (("bound",), lambda bound: 0.5 * bound, "above its bound"),
    "a gap below none": (("gap",), lambda _: -0.5, "gap is -0.5"),
    "a status of its own": (("status",), lambda _: "PROVEN", "status is 'PROVEN', .* make it 'certified'"),
    "no draws": (("draws",), lambda _: 0, "draws is 0"),
    "other draws": (("draws",), lambda draws: draws + 1, "draws of the plan: .* and of the curves"),
    "another currency": (("currency",), lambda _: "USD", "counts in 'USD'"),
    "another period": (("period",), lambda _: "day", "plan again|period of the plan: day"),
    "a cent": (("spend", 0, 0), lambda spend: spend + 0.01, "and its schedule there adds up to"),
    "a cent of the schedule": (("schedule", 0, 0), lambda spend: spend + 0.01, "and its schedule there adds up to"),
    "a cent of a channel": (("by_channel", 0, "spend"), lambda spend: spend + 0.01, "than by_channel says"),
    "beyond all numbers": (("gain", "p95"), lambda _: 10**400, "holds a number above 1e308|gain.p95"),
    "beyond all money": (("spend", 0, 0), lambda _: 2 * LARGEST_MONEY, "money is at most 1e\\+15"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_plan_that_was_changed_is_refused_in_one_sentence(runs, told, tmp_path, name):
    keys, change, said = DAMAGES[name]
    changed = deepcopy(told)
    holder, key = at(changed, *keys)
    holder[key] = change(holder[key])
    if name == "no channels":
        del changed["channels"]
    place = tmp_path / "plan.json"
    place.write_text(json.dumps(changed))
    with pytest.raises(InputError, match=said) as caught:
        read_runs([runs["fit"], place])
    assert (caught.value.exit_code, "\n" in str(caught.value)) == (3, False)


def test_a_renamed_channel_is_not_one_of_its_fit(runs, told, tmp_path):
    place = tmp_path / "plan.json"
    place.write_text(json.dumps(told).replace('"tv"', '"television"'))
    with pytest.raises(InputError, match=r"channels of the plan: television, .* and of the curves .*: tv, "):
        read_runs([runs["fit"], place])


def test_a_number_that_json_cannot_hold_is_refused(runs, told, tmp_path):
    place = tmp_path / "plan.json"
    place.write_text(json.dumps(told).replace(f'"prudence": {told["prudence"]}', '"prudence": 1e400', 1))
    with pytest.raises(InputError, match="holds a number above 1e308"):
        read_runs([place])


@pytest.mark.parametrize("money", [1e-9, 1.0, 4e3, 1e5, 1e8, LARGEST_MONEY])
def test_a_cent_is_told_apart_wherever_it_is_little_and_numbers_can(money):
    assert 1e-9 * money <= same_money(money) <= 1e-6 * money
    assert same_money(money) <= max(0.005, 1e-9 * money)


def test_more_money_than_can_be_read_back_is_not_planned():
    """A plan was made of it, and no other verb took that plan."""
    curves = builders.curves(builders.channel("tv", 300.0, 100.0, mean=LARGEST_MONEY / 100))
    for budget, periods in (("of_history = 2.0", 52), ("total = 5", 104)):
        with pytest.raises(InputError, match=r"comes to 1\.04e\+15, and money is at most 1e\+15"):
            optimize(curves, builders.scenario(f"budget = {{ {budget} }}", periods))
