"""Measures of risk against grids, a linear program and their definitions, none of which knows odds or tables."""

import itertools

import cvxpy
import numpy as np
import pytest
from scipy.optimize import linprog

from engine.config.loading import parse
from engine.config.scenario import Risk, Scenario
from engine.errors import InputError
from engine.optimize.plan import by_draw
from engine.optimize.risk import divide
from engine.optimize.risk.at_risk import solve_at_risk
from engine.optimize.risk.ceilings import ceilings
from engine.optimize.risk.climb import known, reweighted
from engine.optimize.risk.measures import Measure, measure_of, within, worst
from engine.optimize.rules import broken, compared, problem_of
from engine.optimize.solve import solve
from tests.optimize.builders import channel, curves, earned, problem, random_curves

STEPS = 400  # of the grid over two channels


def cvar(values, level):
    """Mean of the worst draws, the last of them in part, by sorting."""
    count, total = level * len(values), 0.0
    for rank, value in enumerate(sorted(values)):
        total += value * min(max(count - rank, 0.0), 1.0)
    return total / count


def robust(values, radius):
    """The worst mean within the ball, by a conic program."""
    odds = cvxpy.Variable(len(values), nonneg=True)
    away = cvxpy.norm(odds * len(values) - 1) / np.sqrt(len(values))
    return float(cvxpy.Problem(cvxpy.Minimize(odds @ values), [cvxpy.sum(odds) == 1, away <= radius]).solve("CLARABEL"))


def asked(risk, values, bests=None):
    """A measure by its definition; `bests` is what the best plan of each draw earns."""
    measured = {
        "mean": values.mean,
        "cvar": lambda: cvar(values, risk.level),
        "robust": lambda: robust(values, risk.radius),
        "regret": lambda: -(bests - values).max(),
        "probability": (values >= (risk.target or 0.0)).mean,
    }[risk.measure]()
    return measured if risk.measure == "probability" else risk.weight * measured + (1 - risk.weight) * values.mean()


def on_grid(held, budget):
    """What every draw earns at each split of a budget over two channels."""
    money = budget * np.arange(STEPS + 1) / STEPS
    one, two = (np.array([earned(c, m) for m in money]) for c in held.channels)
    return one + two[::-1]


def uncertain(seed, count=2, draws=12, slope=(0.4, 1.0)):
    """Channels that share a market shock, to which they are exposed by different parts."""
    rng = np.random.default_rng(seed)
    luck = rng.standard_normal(draws)
    return curves(
        *(
            channel(
                f"c{at}",
                rng.uniform(50, 150) * np.exp(rng.uniform(0, 0.6) * luck + 0.1 * rng.standard_normal(draws)),
                rng.uniform(20, 100) * np.exp(0.1 * rng.standard_normal(draws)),
                rng.uniform(*slope),
                mean=float(rng.uniform(20, 60)),
            )
            for at in range(count)
        )
    )


MEASURES = (
    Risk(measure="cvar", level=0.25),
    Risk(measure="cvar", level=0.1, weight=0.5),
    Risk(measure="robust", radius=0.7),
    Risk(measure="robust", radius=3.0, weight=0.3),
    Risk(measure="regret"),
    Risk(measure="regret", weight=0.5),
)
NAMES = [f"{risk.measure} {risk.weight}" for risk in MEASURES]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("radius", [0.1, 0.6, 1.5, 4.0, 10.0])
def test_the_worst_odds_of_a_ball_are_those_of_a_conic_program(seed, radius):
    rng = np.random.default_rng(seed)
    values = rng.choice([rng.standard_normal(15), rng.integers(0, 3, 15).astype(float)])
    measure = measure_of(Risk(measure="robust", radius=radius), np.full(15, 1 / 15))
    odds = worst(measure, values)
    assert odds.sum() == pytest.approx(1)
    assert odds.min() >= 0
    assert np.sqrt(np.mean((15 * odds - 1) ** 2)) <= radius * (1 + 1e-9)
    assert odds @ values == pytest.approx(robust(values, radius), abs=1e-5)


@pytest.mark.parametrize("level", [0.03, 0.1, 0.37, 1.0])
def test_the_worst_odds_under_a_level_give_the_mean_of_the_worst_draws(level):
    values = np.random.default_rng(0).standard_normal(40)
    measure = measure_of(Risk(measure="cvar", level=level), np.full(40, 1 / 40))
    assert measure.value(values) == pytest.approx(cvar(values, level), abs=1e-12)


@pytest.mark.parametrize("risk", [MEASURES[0], MEASURES[2], MEASURES[4]], ids=["cvar", "robust", "regret"])
def test_odds_that_are_off_are_brought_into_the_set(risk):
    measure = measure_of(risk, np.full(20, 1 / 20))
    for seed in range(5):
        off = np.random.default_rng(seed).uniform(-0.1, 0.5, 20)
        odds = within(measure, off)
        assert odds.sum() == pytest.approx(1, abs=1e-12)
        assert np.all((odds >= 0) & (odds <= measure.most * (1 + 1e-12)))
        assert np.sqrt(np.sum((odds - 0.05) ** 2 / 0.05)) <= measure.radius * (1 + 1e-12)


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.5, 4.0)], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("risk", MEASURES, ids=NAMES)
def test_no_split_of_a_fine_grid_beats_the_bound_or_by_more_than_the_gap_the_plan(risk, seed, slope):
    held = uncertain(seed, slope=slope)
    found = solve_at_risk(problem(held, "budget = { total = 120 }"), risk)
    rows = on_grid(held, 120.0)
    bests = rows.max(0)
    told = rows[::40] if risk.measure == "robust" else rows
    best = max(asked(risk, values, bests) for values in told)
    mine = asked(risk, sum(earned(c, m) for c, m in zip(held.channels, found.spend, strict=True)), bests)
    rounding = 1e-5 * rows.mean()
    assert found.spend.sum() == pytest.approx(120)
    assert found.value <= mine + rounding
    assert found.value == pytest.approx(mine, abs=1e-3 * rows.mean())
    assert found.bound >= best - rounding
    assert mine >= best - found.gap * max(abs(found.bound), found.least * found.gross) - rounding


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.5, 4.0)], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("seed", range(2))
def test_the_likeliest_plan_to_reach_a_target_is_that_of_a_grid_but_for_one_draw(seed, slope):
    held = uncertain(seed, slope=slope, draws=20)
    rows = on_grid(held, 120.0)
    for target in np.quantile(rows.max(0), [0.05, 0.4, 0.8]):
        risk = Risk(measure="probability", target=float(target))
        found = solve_at_risk(problem(held, "budget = { total = 120 }"), risk)
        best = (rows >= target).mean(1).max()
        mine = sum(earned(c, m) for c, m in zip(held.channels, found.spend, strict=True))
        assert found.value == pytest.approx((mine >= target * (1 - 1e-8)).mean())
        assert best - 1 / 20 - 1e-9 <= found.value
        assert best <= found.bound + 1e-9
        assert found.gap == pytest.approx(found.bound - found.value)


def test_a_target_that_is_always_or_never_met_is_certain():
    held = uncertain(1)
    rows = on_grid(held, 120.0)
    for target, chance in ((1e-3, 1.0), (2 * float(rows.max()), 0.0)):
        found = solve_at_risk(problem(held, "budget = { total = 120 }"), Risk(measure="probability", target=target))
        assert (found.value, found.gap) == (chance, pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_concave_plans_are_those_of_a_linear_program_over_chords(seed, weight):
    held, level, budget, knots = uncertain(seed, count=3, draws=25), 0.2, 150.0, 90
    found = solve_at_risk(
        problem(held, f"budget = {{ total = {budget} }}"), Risk(measure="cvar", level=level, weight=weight)
    )
    money = budget * (np.arange(knots) / (knots - 1)) ** 2
    worth = np.concatenate([[earned(c, m) for m in money] for c in held.channels])  # (channel knot) x draw
    columns, draws = worth.shape
    cost = np.concatenate([-(1 - weight) * worth.mean(1), [-weight], np.full(draws, weight / (level * draws))])
    short = np.hstack([-worth.T, np.ones((draws, 1)), -np.eye(draws)])
    whole = np.zeros((4, len(cost)))
    for at in range(3):
        whole[at, at * knots : (at + 1) * knots] = 1
    whole[3, :columns] = np.tile(money, 3)
    limits = [(0, None)] * columns + [(None, None)] + [(0, None)] * draws
    program = linprog(cost, short, np.zeros(draws), whole, [1, 1, 1, budget], limits)
    assert found.gap <= 1e-3
    assert -program.fun <= found.bound * (1 + 1e-9)
    assert found.value == pytest.approx(-program.fun, rel=2e-3)


RULES = """budget = { at_most = 300 }
goal = { maximise = "profit", margin = 0.9, prudence = 0.3 }
[channels.c0]
minimum_flight = 40
[channels.c1]
floor = 15
cap = 90
[groups.some]
channels = ["c0", "c2"]
share = { min = 0.2, max = 0.7 }
"""


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.2, 3.0)], ids=["concave", "S-shaped"])
@pytest.mark.parametrize(
    "risk", [*MEASURES[1:5:2], Risk(measure="probability", target=60.0)], ids=[*NAMES[1:5:2], "probability"]
)
def test_no_plan_under_the_rules_beats_the_bound(risk, slope):
    held = uncertain(7, count=4, draws=15, slope=slope)
    posed = problem(held, RULES)
    found = solve_at_risk(posed, risk)
    assert not broken(posed, found.spend)
    assert found.value <= found.bound
    rng = np.random.default_rng(0)
    plans = [
        spend
        for spend in 300 * rng.dirichlet(np.ones(4), 400) * rng.uniform(0, 1, (400, 1))
        if not broken(posed, spend)
    ]
    earned_by = [known(posed, spend).values for spend in plans]
    bests = np.max(earned_by, axis=0)  # less than the best plans earn, so regrets against it are too small
    for values in earned_by:
        if risk.measure != "regret":
            assert asked(risk, values) <= found.bound + 1e-6 * found.gross
    if risk.measure == "regret":
        mine = known(posed, found.spend).values
        assert asked(risk, mine, bests) >= found.value - 1e-6 * found.gross
        assert found.gap <= 2e-2
    assert len(plans) > 20


@pytest.mark.parametrize(
    "risk",
    [Risk(measure="cvar", level=1.0), Risk(measure="cvar", weight=0.0), Risk(measure="robust", radius=0.0), Risk()],
    ids=["level 1", "weight 0", "radius 0", "mean"],
)
def test_without_aversion_the_plan_is_that_of_the_mean(risk):
    posed = problem(uncertain(2, count=3), "budget = { total = 150 }")
    found, mean = solve_at_risk(posed, risk), solve(posed)
    assert found.spend.tolist() == mean.spend.tolist()
    assert (found.value, found.bound) == pytest.approx((mean.value, mean.bound))
    assert found.solved.gap == pytest.approx(mean.gap, abs=1e-9)


@pytest.mark.parametrize("risk", MEASURES, ids=NAMES)
@pytest.mark.parametrize("draws", [1, 6])
def test_draws_that_are_all_alike_have_no_risk(risk, draws):
    held = random_curves(np.random.default_rng(3), 3, draws=1)
    alike = curves(
        *(
            channel(c.name, *(np.repeat(c.saturation.parameters[k], draws) for k in ("ceiling", "halfway", "slope")))
            for c in held.channels
        )
    )
    posed = problem(alike, "budget = { total = 150 }")
    found, mean = solve_at_risk(posed, risk), solve(posed)
    expected = mean.value if risk.measure != "regret" else (1 - risk.weight) * mean.value
    assert found.value == pytest.approx(expected, abs=1e-3 * mean.value)
    assert found.gap <= 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_more_aversion_never_raises_the_mean_and_never_worsens_the_worst(seed):
    posed = problem(uncertain(seed, count=4, draws=30), "budget = { total = 200 }")
    mean, worst_of, slack = np.inf, -np.inf, 0.0
    for weight in (0.0, 0.3, 0.7, 1.0):
        found = solve_at_risk(posed, Risk(measure="cvar", level=0.1, weight=weight))
        values = known(posed, found.spend).values
        slack = 2 * found.gap * found.bound / max(weight, 0.3)
        assert cvar(values, 0.1) <= values.mean()
        assert values.mean() <= mean + slack
        assert cvar(values, 0.1) >= worst_of - slack
        mean, worst_of = values.mean(), cvar(values, 0.1)
    deeper = [solve_at_risk(posed, Risk(measure="cvar", level=level)) for level in (0.05, 0.2, 0.5, 1.0)]
    assert all(one.value <= two.bound for one, two in itertools.pairwise(deeper))
    wider = [solve_at_risk(posed, Risk(measure="robust", radius=radius)) for radius in (2.0, 0.5, 0.1, 0.0)]
    assert all(one.value <= two.bound for one, two in itertools.pairwise(wider))


def test_twelve_channels_with_a_common_shock_are_certified():
    posed = problem(uncertain(11, count=12, draws=100, slope=(0.4, 1.0)), "budget = { total = 600 }")
    for risk in MEASURES[:4]:
        assert solve_at_risk(posed, risk).gap <= 1e-3


@pytest.mark.parametrize("risk", [MEASURES[0], MEASURES[2]], ids=["cvar", "robust"])
def test_quarters_are_planned_at_risk_as_one_split_is(risk):
    held = uncertain(6, count=3, draws=20)
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\n'
    text = "budget = { total = 6000 }\nramp = { max_change = 0.2 }\n"
    posed = problem_of(held, parse(head + text, Scenario, "question.toml"))
    found = solve_at_risk(posed, risk)
    assert found.gap <= 1e-3
    assert found.proven
    assert not broken(posed, found.spend)
    assert found.value == pytest.approx(asked(risk, by_draw(posed, found.spend)[1]), rel=1e-5)
    rng, even = np.random.default_rng(0), compared(posed)
    plans = [even, *(even * rng.uniform(0.9, 1.1, len(even)) for _ in range(60))]
    plans += [found.spend * rng.uniform(0.9, 1.1, len(even)) for _ in range(60)]
    plans = [plan * 6000 / plan.sum() for plan in plans]
    kept = [plan for plan in plans if not broken(posed, plan)]
    assert len(kept) > 10
    assert all(asked(risk, by_draw(posed, plan)[1]) <= found.bound * (1 + 1e-6) for plan in kept)


@pytest.mark.parametrize(("seed", "risk"), [(0, MEASURES[0]), (3, MEASURES[4])])
def test_where_plans_in_several_places_tie_each_place_is_proven_by_itself(monkeypatch, seed, risk):
    posed = problem(uncertain(seed, count=5, draws=20, slope=(1.5, 4.0)), "budget = { total = 250 }")
    found = solve_at_risk(posed, risk)
    monkeypatch.setattr(divide, "PARTS", 0)
    whole = solve_at_risk(posed, risk)
    assert found.gap <= 1e-3 < whole.gap
    assert whole.value <= found.value <= found.bound <= whole.bound


@pytest.mark.parametrize("risk", MEASURES[:5], ids=NAMES[:5])
def test_what_was_learned_for_one_measure_misleads_no_other(risk):
    posed, memory = problem(uncertain(4, count=3, slope=(0.5, 3.0)), "budget = { total = 150 }"), {}
    solve_at_risk(posed, Risk(measure="cvar", level=0.3), memory)
    again, fresh = solve_at_risk(posed, risk, memory), solve_at_risk(posed, risk)
    assert again.value == pytest.approx(fresh.value, rel=2e-3)
    assert again.bound == pytest.approx(fresh.bound, rel=2e-3)
    assert solve(posed, memory).value == pytest.approx(solve(posed).value, rel=1e-6)


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.5, 4.0)], ids=["concave", "S-shaped"])
def test_of_many_draws_few_are_solved_and_regret_is_told_of_all(slope):
    held, text = uncertain(5, count=3, draws=60, slope=slope), "budget = { total = 150 }"
    found = solve_at_risk(problem(held, text), Risk(measure="regret"))
    bests = np.array([solve(problem(alone(held, draw), text)).value for draw in range(60)])
    true = -(bests - known(problem(held, text), found.spend).values).max()
    assert not found.route.startswith("largest regret, best plans of 60")
    assert found.proven
    assert found.value <= true + 1e-9 * found.gross
    assert found.value == pytest.approx(true, abs=1e-3 * found.gross)
    assert true <= found.bound + 1e-9 * found.gross


@pytest.mark.parametrize("slope", [(0.3, 0.9), (1.5, 4.0), (0.4, 4.0)], ids=["concave", "S-shaped", "mixed"])
@pytest.mark.parametrize("budget", ["total = 150", "at_most = 400"])
def test_ceilings_lie_just_above_the_best_plan_of_each_draw(slope, budget):
    held = uncertain(9, count=4, draws=12, slope=slope)
    text = f"""budget = {{ {budget} }}
goal = {{ maximise = "profit", margin = 0.8, prudence = 0.5 }}
every_channel = {{ cap = 120 }}
channels.c0.floor = 10
"""
    posed = problem(held, text)
    tops = ceilings(posed)
    for draw in range(12):
        best = solve(reweighted(posed, np.eye(12)[draw]))
        assert best.value <= tops[draw] + 1e-9 * best.gross
        assert tops[draw] <= best.value + 0.02 * best.gross


def alone(held, draw):
    """One draw of some curves."""
    return curves(
        *(
            channel(c.name, *(c.saturation.parameters[k][draw] for k in ("ceiling", "halfway", "slope")))
            for c in held.channels
        )
    )


def test_where_no_plan_keeps_the_rules_there_is_none_at_risk_either():
    text = "budget = { total = 100 }\n[channels.c0]\nfloor = 80\n[channels.c1]\nfloor = 70\n"
    assert solve_at_risk(problem(uncertain(1), text), MEASURES[0]) is None


def test_a_chance_is_not_mixed_with_a_mean():
    with pytest.raises(InputError, match=r"risk\.weight is 0\.5 .* remove weight"):
        solve_at_risk(
            problem(uncertain(1), "budget = { total = 100 }"), Risk(measure="probability", target=10.0, weight=0.5)
        )


def test_a_measure_in_other_units_is_the_same():
    measure, values = Measure(np.full(4, 0.25), np.full(4, 0.5), less=np.arange(4.0)), np.array([3.0, 1.0, 4.0, 1.5])
    assert measure.scaled(10.0).value(values / 10) == pytest.approx(measure.value(values) / 10)
    short = Measure(np.full(4, 0.25), np.full(4, 0.5), target=2.0)
    assert short.value(values) == pytest.approx(-0.5 * (1.0 + 0.5))
    assert short.scaled(10.0).value(values / 10) == pytest.approx(short.value(values))
