"""The best places of the density, and both ways to draw around them."""

import jax
import numpy as np
import pytest

from engine.calibrate import nuts
from engine.calibrate.density import place_parameters
from engine.calibrate.importance import heights
from engine.calibrate.mode import Mode, climb, describe, search, starts
from engine.calibrate.nuts import BRIEF, Frame, run_chains, smallest_bulk, thin, worst_r_hat
from engine.calibrate.posterior import Joint, _pilot, draw_posterior
from engine.calibrate.problem import prepare
from engine.config.model import CurveFamilies


@pytest.fixture(scope="module")
def found(problem):
    return search(problem.evidence, starts(4, len(problem.hint), np.random.default_rng(0)))


def test_climbing_ends_where_no_neighbour_is_higher(problem, found):
    best = found.modes[0]
    random = np.random.default_rng(1)
    near = best.place + 0.05 * random.normal(size=(64, len(best.place)))
    assert (heights(near, problem.evidence) < best.height).all()
    assert found.heights.max() <= best.height + 1e-6
    assert best.height == pytest.approx(float(heights(best.place[None], problem.evidence)[0]), rel=1e-12)


def test_a_start_does_not_decide_the_mode(problem, found):
    end = describe(climb(np.full(len(problem.hint), 0.5), problem.evidence)[0], problem.evidence)
    assert np.allclose(end.place, found.modes[0].place, atol=1e-4)


def test_widths_are_the_curvature(problem, found):
    mode = found.modes[0]
    values, vectors = np.linalg.eigh(mode.covariance)
    step = 1e-3 * vectors.T
    around = [heights(places, problem.evidence) for places in (mode.place - step, mode.place + step)]
    bend = (2 * mode.height - around[0] - around[1]) / 1e-6
    assert np.allclose(values, 1 / np.maximum(bend, 0.5), rtol=2e-3)


def test_both_speeds_draw_from_the_same_density(world, modelled):
    """Means and spreads of contribution, carry-over, saturation and noise within the chance of both, where each is
    drawn from a small problem: one channel, 32 weeks, plain families."""
    families = CurveFamilies(saturation="hill", adstock="geometric")
    small = prepare(world(channels=1, periods=32, seed=2).dataset, modelled("linear", 0, curves=families))
    fast = draw_posterior(small, "fast", seed=1, draws=2000)
    assert not fast.is_laplace and fast.pareto < 0.7 and fast.effective >= 500
    chains = run_chains(fast.places[:1000], small.evidence, seed=1, length=BRIEF)
    assert chains.r_hat < 1.05 and chains.divergences == 0
    slow = chains.places.reshape(-1, len(small.hint))
    for one, other in zip(_figures(small, fast.places), _figures(small, slow), strict=True):
        chance = other.std() * np.sqrt(1 / fast.effective + 1 / chains.bulk)
        assert abs(one.mean() - other.mean()) < 4 * chance
        assert one.std() == pytest.approx(other.std(), rel=0.25)
    assert thin(chains, 50).shape == (50, len(small.hint))


def _figures(problem, places):
    """What the coordinates of one channel stand for, one row per parameter."""
    parameters = place_parameters(places, problem.evidence)
    figures = (parameters.share[:, 0], parameters.halfway[:, 0], parameters.noise)
    return [*(np.log(one) for one in figures), parameters.carry[0][:, 0]]


def normal(place, evidence):
    """The log density of a normal distribution in the place of the model's."""
    return -0.5 * (place @ place) + 0 * evidence.today.sum()


def test_chains_are_the_same_for_a_seed_of_any_size_and_compile_once(problem, monkeypatch, compiled):
    monkeypatch.setattr(nuts, "log_density", normal)
    pilot = np.random.default_rng(0).standard_normal((2000, 2)) * np.array([0.5, 2.0])
    first = run_chains(pilot, problem.evidence, seed=0, length=BRIEF)
    before = len(compiled)
    again, other = (run_chains(pilot, problem.evidence, seed=seed, length=BRIEF) for seed in (0, 2**70))
    assert len(compiled) == before
    assert np.array_equal(first.places, again.places) and not np.array_equal(first.places, other.places)
    together = np.concatenate([first.places, other.places]).reshape(-1, 2)  # some 350 effective draws
    assert np.abs(together.mean(axis=0)).max() < 0.2 and np.allclose(np.cov(together.T), np.eye(2), atol=0.3)


def test_the_step_is_found_in_the_first_block_and_then_kept_by_all(problem, monkeypatch):
    monkeypatch.setattr(nuts, "log_density", normal)
    frame, seed = Frame(np.zeros(4), np.eye(4)), np.uint32(1)
    blank = jax.eval_shape(lambda: nuts._begun(nuts._kernel(frame, problem.evidence, BRIEF), seed, frame, BRIEF))
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), blank)
    steps = []
    for block in (1, 2, 3):
        state, white, diverging = nuts._walked(state, seed, frame, problem.evidence, BRIEF)
        steps.append(np.asarray(state.adapt_state.step_size))
        assert (np.asarray(state.i) == block * BRIEF.block).all()
        assert white.shape == (nuts.CHAINS, BRIEF.block, 4) and not (block > 1 and diverging.any())
    assert (np.stack(steps) == steps[0][0]).all() and 0.1 < steps[0][0] < 2
    assert 0.8 < float(state.mean_accept_prob.mean()) < 1


def test_one_chain_that_is_lost_is_told_and_does_not_stop_the_others(problem, monkeypatch):
    """It begins where no density is, and stays there; of the others none is slower for it."""
    monkeypatch.setattr(nuts, "log_density", lambda place, _: jax.numpy.where(place[0] > 1.9, np.nan, normal(place, _)))
    pilot = np.random.default_rng(0).standard_normal((2000, 3))
    found = run_chains(pilot, problem.evidence, seed=0, length=BRIEF)
    spread = found.places.std(axis=1)
    lost = spread.max(axis=1) < 1e-9
    assert lost.sum() == 1 and (spread[~lost] > 0.7).all()
    assert found.r_hat > 1.05 and found.divergences >= 2 * BRIEF.block


@pytest.mark.parametrize(("effective", "narrowest"), [(50.0, 0.5), (1e7, 0.0)])
def test_few_effective_draws_do_not_set_the_scale_of_the_chains_alone(effective, narrowest):
    """Draws on a line: where few are behind them Laplace's width stays in every other direction."""
    random = np.random.default_rng(0)
    mode = Mode(np.zeros(30), 0.0, np.eye(30), 0.0)
    line = random.standard_normal((1000, 1)) * np.eye(30)[:1]
    pilot = _pilot((mode,), Joint(line, effective, 0.5, False), random)
    widths = np.linalg.eigvalsh(np.cov(pilot.T))
    assert narrowest <= widths[0] <= widths[-1] < 1.5 and np.allclose(pilot[:1000], line)


def test_chains_that_disagree_are_seen():
    random = np.random.default_rng(0)
    together = random.normal(size=(4, 1000, 2))
    apart = together + np.array([0.0, 0.0, 0.0, 1.0])[:, None, None]
    wider = together * np.array([1.0, 1.0, 1.0, 3.0])[:, None, None]
    assert worst_r_hat(together) < 1.01 and smallest_bulk(together) > 3000
    assert worst_r_hat(apart) > 1.05 and worst_r_hat(wider) > 1.05
    walk = np.cumsum(random.normal(size=(4, 1000, 1)), axis=1)
    assert smallest_bulk(walk) < 50


def test_rank_diagnosis_does_not_depend_on_the_scale():
    values = np.random.default_rng(0).normal(size=(4, 500, 1))
    assert smallest_bulk(values) == pytest.approx(smallest_bulk(np.exp(5 * values)))
