"""Laws of planning: what must not matter does not, and more room never hurts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.optimize.plan import optimize
from engine.response.curves import Channel, Curves, Family, History

RULES = "[channels.c0]\nfloor = {0}\n[channels.c1]\ncap = {1}\nminimum_flight = {2}\n"


def in_units(held, factor):
    """The same curves with money, and so revenue, counted in another unit."""

    def changed(one):
        known = one.saturation.parameters
        scaled = {name: values * (factor if name in ("ceiling", "halfway") else 1.0) for name, values in known.items()}
        history = History(one.history.mean * factor, one.history.max * factor)
        return Channel(one.name, one.kind, one.adstock, Family(one.saturation.name, scaled), history)

    return replace(held, channels=tuple(changed(one) for one in held.channels))


def asked(make, total, unit=1.0, extra="", kind="total"):
    rules = RULES.format(*(float(amount * unit) for amount in (12.0, 60.0, 25.0)))
    return make.scenario(f"budget = {{ {kind} = {float(total * unit)!r} }}\n" + rules + extra)


GROUPS = {
    "one budget": "",
    "groups": '[groups.g]\nkinds = ["earned"]\nshare = { min = 0.15 }\n',
    "groups that overlap": '[groups.g]\nkinds = ["earned"]\nshare = { min = 0.15 }\n'
    '[groups.h]\nchannels = ["c1", "c2"]\nshare = { max = 0.4 }\n',
}


@pytest.mark.parametrize("extra", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("slope", [(0.5, 1.0), (0.6, 3.0)])
def test_millions_units_and_yen_give_the_same_shares(make, extra, slope):
    held = make.random_curves(np.random.default_rng(5), 5, draws=10, slope=slope)
    shares = []
    for unit in (12 / 300, 12e6 / 300, 12e11 / 300):
        plan = optimize(in_units(held, unit), asked(make, 300, unit, extra), priced=False)
        assert plan.certified
        shares.append(np.array(plan.chosen.spend) / plan.spend)
    assert shares[1] == pytest.approx(shares[0], abs=1e-6)
    assert shares[2] == pytest.approx(shares[0], abs=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3, 1e6, 1e9, 1e12])
def test_units_from_thousandths_to_trillions_give_the_same_plan(make, unit):
    held = make.random_curves(np.random.default_rng(6), 5, draws=10)
    one = optimize(held, asked(make, 300.0), priced=False)
    other = optimize(in_units(held, unit), asked(make, 300.0, unit), priced=False)
    assert other.certified
    assert other.net == pytest.approx(one.net * unit, rel=1e-6)
    assert other.cells / other.spend == pytest.approx(one.cells / one.spend, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_a_channel_in_two_halves_earns_what_it_earned_whole(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 3, slope=(0.5, 0.95))
    whole = held.channels[2]
    known = whole.saturation.parameters
    halved = {name: values * (0.5 if name in ("ceiling", "halfway") else 1.0) for name, values in known.items()}
    halves = [replace(whole, name=name, saturation=Family("hill", halved)) for name in ("left", "right")]
    two = replace(held, channels=(*held.channels[:2], *halves))
    question = make.scenario("budget = { total = 180 }\n")
    one, other = (optimize(each, question, priced=False) for each in (held, two))
    assert other.net == pytest.approx(one.net, rel=2e-4)
    assert sum(other.chosen.spend[2:]) == pytest.approx(one.chosen.spend[2], abs=0.5)
    assert other.chosen.spend[2] == pytest.approx(other.chosen.spend[3], abs=0.5)


@settings(max_examples=10)
@given(st.permutations(range(5)), st.integers(0, 5))
def test_the_order_of_channels_does_not_matter(make, order, seed):
    held = make.random_curves(np.random.default_rng(seed), 5)
    shuffled = replace(held, channels=tuple(held.channels[at] for at in order))
    one, other = (optimize(each, asked(make, 240), priced=False) for each in (held, shuffled))
    assert other.chosen.value.mean == pytest.approx(one.chosen.value.mean, rel=1e-4)
    if other.chosen.value.mean == pytest.approx(one.chosen.value.mean, rel=1e-9):
        assert [other.chosen.spend[order.index(at)] for at in range(5)] == pytest.approx(one.chosen.spend, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_a_useless_channel_changes_nothing(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 4)
    more = replace(held, channels=(*held.channels, make.channel("dud", [0.0] * 3, 50.0, 2.0)))
    one, other = (optimize(each, asked(make, 200), priced=False) for each in (held, more))
    assert other.chosen.spend[-1] == pytest.approx(0.0, abs=1e-6)
    assert other.chosen.value.mean == pytest.approx(one.chosen.value.mean, rel=1e-4)


def grows(values, gaps):
    """Whether each value is at least the one before, as far as their proofs can tell."""
    return all(
        after >= before * (1 - gap) for before, after, gap in zip(values[:-1], values[1:], gaps[1:], strict=True)
    )


@pytest.mark.parametrize("kind", ["total", "at_most"])
@pytest.mark.parametrize("seed", range(3))
def test_more_budget_never_earns_less(make, kind, seed):
    held = make.random_curves(np.random.default_rng(seed), 4)
    plans = [optimize(held, asked(make, total, kind=kind), priced=False) for total in np.linspace(60, 500, 12)]
    assert grows([plan.chosen.value.mean for plan in plans], [plan.gap for plan in plans])
    assert all(plan.gap <= 1e-3 for plan in plans)


LOOSER = {
    "floor": ["[channels.c2]\nfloor = {}\n", (80, 60, 30, 0)],
    "cap": ["[channels.c2]\ncap = {}\n", (5, 20, 60, 200)],
    "minimum flight": ["[channels.c2]\nminimum_flight = {}\n", (150, 90, 40, 1)],
    "share": ['[groups.g]\nchannels = ["c2", "c3"]\nshare = {{ min = {} }}\n', (0.6, 0.4, 0.2, 0.0)],
}


@pytest.mark.parametrize(("rule", "values"), LOOSER.values(), ids=LOOSER)
def test_a_looser_rule_never_earns_less(make, rule, values):
    for seed in range(3):
        held = make.random_curves(np.random.default_rng(seed), 4)
        plans = [optimize(held, asked(make, 200, extra=rule.format(value)), priced=False) for value in values]
        assert grows([plan.chosen.value.mean for plan in plans], [plan.gap for plan in plans])


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_is_never_worse_than_a_baseline_that_keeps_the_rules(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 5)
    text = "budget = { of_history = 1.0 }\n[every_channel]\nrelative = { min = 0.2, max = 2.0 }\n"
    plan = optimize(held, make.scenario(text), priced=False)
    assert plan.baseline.broken == ()
    assert plan.chosen.value.mean >= plan.baseline.value.mean
    assert plan.gain.mean == pytest.approx(plan.chosen.value.mean - plan.baseline.value.mean, abs=1e-9)


def test_the_same_question_has_the_same_answer_to_the_last_digit(make):
    held = make.random_curves(np.random.default_rng(7), 6)
    plans = [optimize(held, asked(make, 300, extra=GROUPS["groups that overlap"])) for _ in range(2)]
    assert replace(plans[0], seconds=0.0) == replace(plans[1], seconds=0.0)


def test_the_outcome_of_a_plan_is_that_of_the_textbook(make):
    held = make.random_curves(np.random.default_rng(8), 4, draws=50)
    plan = optimize(held, asked(make, 250), priced=False)
    assert plan.chosen.value.mean == pytest.approx(make.worth(held, plan.chosen.spend), rel=1e-12)
    by_draw = np.array([make.worth(single_draw(held, draw), plan.chosen.spend) for draw in range(50)])
    assert plan.chosen.value.p05 == pytest.approx(np.quantile(by_draw, 0.05))
    assert plan.chosen.value.p95 == pytest.approx(np.quantile(by_draw, 0.95))
    baseline = np.array([make.worth(single_draw(held, draw), plan.baseline.spend) for draw in range(50)])
    assert plan.chance_of_loss == np.mean(by_draw < baseline)


def single_draw(held: Curves, draw: int) -> Curves:
    def one(each):
        families = (each.adstock, each.saturation)
        cut = [
            Family(f.name, {name: values[draw : draw + 1] for name, values in f.parameters.items()}) for f in families
        ]
        return replace(each, adstock=cut[0], saturation=cut[1])

    return replace(held, channels=tuple(one(each) for each in held.channels))
