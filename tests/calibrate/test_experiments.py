"""Experiments as evidence: what they narrow, where they pull, and what contradicts them."""

import functools
from dataclasses import replace
from datetime import date, timedelta

import equinox as eqx
import jax
import numpy as np
import pytest

from engine.calibrate import posterior
from engine.calibrate.conflict import Agreement, agreements, without
from engine.calibrate.density import contributions, one_draw, place_parameters, predicted, slope_at, stock_of
from engine.calibrate.evidence import tests_of as evidence_of
from engine.calibrate.identified import experiments
from engine.calibrate.importance import Draws, Effort, sample
from engine.calibrate.mode import climb, describe
from engine.calibrate.panel import scale
from engine.calibrate.posterior import LEAST_EFFECTIVE, joint_draws
from engine.calibrate.problem import prepare
from engine.config.experiments import Experiment
from engine.data.experiments import placed
from engine.periods import starts

DRAWS, EFFORT = 400, Effort(512, 12)
ONE, BOTH = 0, 1  # the tests of `with_tests`


@pytest.fixture(scope="module")
def told(world, with_tests, model):
    """`told(one=..., both=..., miss=..., demand=...)`: a world with tests of these errors, and its problem."""

    @functools.cache
    def build(demand=(0.0, 0.0), **errors):
        made = with_tests(world(seed=3, demand=demand), **errors)
        return made, prepare(made.dataset, model)

    return build


@pytest.fixture(scope="module")
def drawn(told):
    """The same with draws of its posterior."""

    @functools.cache
    def draw(**asked):
        made, problem = told(**asked)
        mode = describe(climb(problem.hint, problem.evidence)[0], problem.evidence)
        places = sample((mode,), problem.evidence, EFFORT, DRAWS, np.random.default_rng(1)).places
        return made, problem, places

    return draw


def returns(made, problem, places):
    """Return on history's spend, draw by draw."""
    dataset = made.dataset
    share = place_parameters(places, problem.evidence).share
    return share * dataset.outcome.sum() / dataset.spend.sum(axis=(0, 1))


def expected_of(problem, places, tests):
    """What each draw expects of tests, in their standard errors."""
    evidence = jax.tree.map(np.asarray, eqx.tree_at(lambda one: one.tests, problem.evidence, tests))
    found = []
    for draw in range(len(places)):
        parameters = one_draw(place_parameters(places, evidence), draw)
        found.append(predicted(parameters, contributions(parameters, evidence)[1], evidence))
    return np.stack(found)


def test_a_test_narrows_its_channel_around_the_truth(drawn):
    made, problem, places = drawn(one=30.0)
    before, after = (returns(*each)[:, 0] for each in (drawn(), (made, problem, places)))
    assert after.std() < 0.6 * before.std()
    low, high = np.percentile(after, [1, 99])
    assert low < made.roas()[0] < high


def test_a_test_pulls_a_return_that_hidden_demand_inflated_to_the_truth(drawn):
    made, problem, places = drawn(demand=(0.06, 0.1), one=30.0)
    before, after = (returns(*each)[:, 0] for each in (drawn(demand=(0.06, 0.1)), (made, problem, places)))
    truth = made.roas()[0]
    assert np.median(before) > 1.3 * truth
    assert abs(np.median(after) - truth) < 0.25 * (np.median(before) - truth)
    assert np.percentile(after, 1) < truth < np.percentile(after, 99)


@pytest.mark.parametrize(("test", "errors"), [(ONE, {"one": 60.0}), (BOTH, {"both": 60.0})])
def test_precisions_of_history_and_test_add_up(drawn, test, errors):
    """As for normal evidence, about: also of a test of two channels, whose sum alone it tells."""
    _, problem, places = drawn(**errors)
    _, silent, before = drawn()
    tests = problem.evidence.tests
    history = expected_of(silent, before, tests)[:, test]
    after = expected_of(problem, places, tests)[:, test]
    precision = 1 / history.var() + 1
    mean = (history.mean() / history.var() + float(tests.found[test])) / precision
    assert after.std() == pytest.approx(precision**-0.5, rel=0.3)
    assert after.mean() == pytest.approx(mean, abs=0.5)


@pytest.mark.parametrize(
    ("error", "miss", "verdict"), [(60.0, 0.0, "good"), (60.0, 10.0, "bad"), (5.0, 0.0, "good"), (5.0, -120.0, "bad")]
)
def test_a_test_that_contradicts_history_is_told_however_strong_it_is(told, error, miss, verdict):
    """The draws of the whole posterior follow a strong test and say nothing against it: so it is left out first."""
    _, problem = told(one=error, miss=miss)
    found = agreements(("one",), problem.evidence, problem.hint, np.random.default_rng(0))
    (check,) = experiments(found)
    assert (check.name, check.verdict) == ("experiment one", verdict)
    assert ("the better witness" in check.sentence) == (verdict == "bad")


def test_what_the_rest_expects_is_what_a_fit_without_the_test_expects(told, drawn):
    """Under the same shape of the noise."""
    _, problem = told(one=60.0, miss=10.0)
    _, silent, before = drawn()
    evidence = eqx.tree_at(lambda one: one.linear, problem.evidence, silent.evidence.linear)
    found = agreements(("one", "both"), evidence, problem.hint, np.random.default_rng(0))
    assert [check.details["effective"] for check in experiments(found)] == [one.effective for one in found]
    assert min(one.effective for one in found) > LEAST_EFFECTIVE
    history = expected_of(silent, before, problem.evidence.tests)[:, ONE]
    assert found[ONE].expected == pytest.approx(history.mean(), abs=0.4 * history.std())
    assert found[ONE].spread == pytest.approx(history.std(), rel=0.35)
    assert found[ONE].found == pytest.approx(float(problem.evidence.tests.found[ONE]))
    assert abs(found[BOTH].distance) < 1e-3


@pytest.mark.parametrize("effective", [LEAST_EFFECTIVE - 1, LEAST_EFFECTIVE])
def test_too_few_effective_proposals_are_told_and_leave_laplace_alone(told, monkeypatch, effective):
    """So for the fit, and so for what the rest of the evidence expects of a test."""
    _, problem = told(one=60.0, miss=10.0)
    mode = describe(climb(problem.hint, problem.evidence)[0], problem.evidence)
    far = mode.place + 50.0
    poor = Draws(np.resize(far, (400, len(far))), effective, 2.0)
    monkeypatch.setattr(posterior, "sample", lambda *_: poor)
    drawn = joint_draws((mode,), problem.evidence, EFFORT, 400, np.random.default_rng(0))
    assert (drawn.is_laplace, drawn.effective, drawn.pareto) == (effective < LEAST_EFFECTIVE, effective, 2.0)
    if not drawn.is_laplace:
        assert (drawn.places == far).all()
        return
    width = np.sqrt(np.diag(mode.covariance))
    assert np.abs((drawn.places.mean(axis=0) - mode.place) / width).max() < 0.3
    assert drawn.places.std(axis=0) == pytest.approx(width, rel=0.25)
    one, both = agreements(("one", "both"), problem.evidence, problem.hint, np.random.default_rng(0))
    assert one.effective == both.effective == effective and 0 < one.spread < 50


def test_a_test_left_out_has_no_say_and_compiles_nothing(told, compiled):
    _, problem = told(one=60.0, miss=10.0)
    _, silent = told()
    place = np.full(len(problem.hint), 0.2)
    bare = eqx.tree_at(lambda one: one.linear, problem.evidence, silent.evidence.linear)
    slope_at(place, bare)
    before = len(compiled)
    quiet = [float(slope_at(place, each)[0]) for each in (without(bare, ONE), silent.evidence)]
    assert quiet[0] == pytest.approx(quiet[1], rel=1e-9) and len(compiled) == before
    assert climb(place, without(bare, ONE))[1] == pytest.approx(climb(place, silent.evidence)[1], abs=1e-4)


def test_distances_count_both_errors():
    """Three standard errors of the test and four of the expectation are five of their difference."""
    apart = Agreement("a", found=10.0, expected=0.0, spread=np.sqrt(24.0), effective=100.0)
    assert apart.distance == pytest.approx(2.0)


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_a_test_in_some_geos_is_predicted_by_their_people_alone(world, problem, share):
    """Against the true curves: the difference of two histories in money, geo by geo, over the counted weeks."""
    made = world(people=(1.0, 2.0, 4.0), channels=2, seed=4)
    dataset = made.dataset
    told = Experiment(
        name="geo",
        channels=("channel 1",),
        start=dataset.starts[50],
        end=dataset.starts[58] - timedelta(days=1),
        until=dataset.starts[64] - timedelta(days=1),
        spend_change=(900.0,),
        outcome_change=100.0,
        standard_error=25.0,
        geos=("geo 1", "geo 2"),
        share=share,
    )
    test = placed(told, dataset)
    panel = scale(dataset)
    tests = evidence_of(replace(dataset, lift_tests=(test,)), panel)
    evidence = jax.tree.map(np.asarray, eqx.tree_at(lambda one: one.tests, problem.evidence, tests))
    heads = panel.size.sum() * panel.dose_scale
    true = place_parameters(np.zeros((1, len(problem.hint))), evidence)
    true = one_draw(true, 0)._replace(
        carry=(np.array(made.retain), np.zeros(2)),
        bend=(np.array(made.slope), np.ones(2)),  # a tail of one is Hill's curve
        halfway=np.array(made.halfway) / heads,
    )
    ceiling = np.array(made.ceiling) / panel.size.sum() / panel.outcome_scale
    changed = dataset.spend.copy()
    inside = test.inside[:, None] * np.array([0.0, 1.0, 1.0]) * dataset.spend[:, :, 1]
    changed[:, :, 1] += 900.0 / share * inside / inside.sum()
    lift = share * test.counted @ (made.brought(changed) - made.brought(dataset.spend)).sum(axis=(1, 2))
    assert predicted(true, ceiling, evidence) == pytest.approx([lift / 25.0], rel=1e-9)
    assert float(evidence.tests.found[0]) == 4.0


def test_an_older_test_counts_less(world, with_tests):
    dataset = with_tests(world(), one=30.0).dataset
    test = dataset.lift_tests[0]
    widened = replace(dataset, lift_tests=(replace(test, standard_error=60.0),))
    one, other = (evidence_of(each, scale(each)) for each in (replace(dataset, lift_tests=(test,)), widened))
    assert np.allclose(one.weight, 2 * other.weight) and np.allclose(one.found, 2 * other.found)


@pytest.mark.parametrize("in_history", [False, True])
@pytest.mark.parametrize("first", [0, 1, 10])
@pytest.mark.parametrize("retain", [0.3, 0.9])
def test_a_test_does_not_change_what_was_before_it(world, first, retain, in_history):
    """Against the sum over all weeks of what the changed money leaves, also where it was spent in the first ones."""
    dataset = world().dataset
    told = Experiment(
        name="early",
        channels=("channel 0",),
        start=dataset.starts[first],
        end=dataset.starts[first + 4] - timedelta(days=1),
        until=dataset.starts[first + 9] - timedelta(days=1),
        spend_change=(90.0,),
        outcome_change=1.0,
        standard_error=1.0,
        in_history=in_history,
    )
    tests = evidence_of(replace(dataset, lift_tests=(placed(told, dataset),)), scale(dataset))
    stock = stock_of(tests.dose, tests.opening, (np.full(2, retain),), "geometric")
    predicted = float(sum(stock[:, 0, arm] @ tests.weight[arm, :, 0] for arm in range(2)))
    change = (tests.dose[:, 0, 1] - tests.dose[:, 0, 0])[first : first + 4]
    counted = [1 - retain ** (9 - week) for week in range(4)]
    assert predicted == pytest.approx(change @ counted * tests.weight[1].max(), rel=1e-9)


DAYS = {"week": 7, "month": 30, "quarter": 91}
PARTS = [  # period, first day, days of the test, days counted, how far the prediction may be off
    ("week", "2022-06-06", 28, 28, 0.001),
    ("week", "2022-06-09", 28, 28, 0.02),
    ("week", "2022-06-09", 14, 14, 0.03),
    ("week", "2022-06-09", 28, 56, 0.02),
    ("week", "2022-06-07", 5, 5, 0.2),
    ("month", "2022-06-09", 14, 14, 0.35),
    ("month", "2022-06-09", 14, 22, 0.08),
    ("month", "2022-06-09", 28, 28, 0.05),
    ("month", "2022-06-09", 28, 84, 0.02),
    ("month", "2022-06-01", 45, 45, 0.02),
    ("quarter", "2022-05-02", 28, 28, 0.45),
    ("quarter", "2022-05-02", 56, 112, 0.03),
    ("quarter", "2022-05-02", 28, 152, 0.01),
]


@pytest.mark.parametrize("left", [0.0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize(("period", "first_day", "length", "counted", "tolerance"), PARTS)
def test_a_test_of_any_days_is_predicted_as_it_was_counted_day_by_day(
    world, left, period, first_day, length, counted, tolerance
):
    """Linear truth, a share `left` of it a week later; the periods' own kernel is that of money spread over each."""
    made, first = world().dataset, date(2022, 1, 3 if period == "week" else 1)
    count = {"week": 104, "month": 24, "quarter": 12}[period]
    money = np.full((count, 1, 2), 700.0)
    dataset = replace(
        made,
        period=period,
        starts=starts(first, count, period),
        spend=money,
        driver=money,
        outcome=made.outcome[:count],
        controls=made.controls[:count],
        events=made.events[:count],
    )
    start = date.fromisoformat(first_day)
    told = Experiment(
        name="any",
        channels=("channel 0",),
        start=start,
        end=start + timedelta(days=length - 1),
        until=start + timedelta(days=counted - 1),
        spend_change=(-300.0,),
        outcome_change=-1.0,
        standard_error=1.0,
    )
    test, panel = placed(told, dataset), scale(dataset)
    tests = evidence_of(replace(dataset, lift_tests=(test,)), panel)
    keep = left ** (1 / 7)
    reached = [
        np.mean(1 - keep ** np.arange(lag * DAYS[period] + 1, (lag + 1) * DAYS[period] + 1)) for lag in range(count)
    ]
    kernel = np.diff(reached, prepend=0.0)
    stock = [np.convolve(kernel, dose)[:count] for dose in (tests.dose - tests.opening)[:, 0].T]
    predicted = float((np.stack(stock) * tests.weight[:, :, 0]).sum()) * panel.dose_scale[0] / panel.outcome_scale
    true = -300 * np.mean([1 - keep ** (counted - day) for day in range(length)])
    assert predicted * test.standard_error == pytest.approx(true, rel=tolerance)
