"""What is believed before the data: a calibration that looks away draws from its prior, and from nothing else."""

import equinox as eqx
import numpy as np
import pytest
from scipy import special

from engine.calibrate.density import densities_at, place_parameters
from engine.calibrate.identified import identified
from engine.calibrate.money import to_curves
from engine.calibrate.posterior import draw_posterior
from engine.calibrate.predictive import prior_predictive
from engine.calibrate.prior_draws import otherwise, readable, spreads
from engine.calibrate.priors import believe
from engine.calibrate.problem import blind, explain, prepare
from engine.config.beliefs import ElasticityRange, LifeRange, Range
from engine.config.model import ChannelColumns
from engine.response.curves import respond
from engine.response.saturation import SATURATIONS

DRAWS = 2000


@pytest.fixture(scope="module")
def unseen(problem):
    return blind(problem)


@pytest.fixture(scope="module")
def drawn(unseen):
    found = draw_posterior(unseen, "fast", 1, DRAWS)
    assert found.pareto < 0.7 and found.effective > 500
    return found


@pytest.fixture(scope="module")
def weighed(unseen):
    """Plain normal draws, weighed by what is believed of all channels together: the prior the slow way."""
    places = np.random.default_rng(7).standard_normal((80 * 256, len(unseen.hint)))
    heights = [np.asarray(densities_at(places[row : row + 256], unseen.evidence)) for row in range(0, len(places), 256)]
    weights = special.softmax(np.concatenate(heights) + 0.5 * (places**2).sum(axis=1))
    return places, weights, 1 / (weights**2).sum()


def test_no_outcome_and_no_test_has_a_say(problem, unseen, world, with_tests, model):
    """Coordinates of their own keep a normal density; the tie is all that is left of the rest."""
    place = np.zeros(len(unseen.hint))
    noisy = np.resize(place, (256, len(place))).copy()
    noisy[:, -2] = np.linspace(-3, 3, 256)  # the noise
    heights = np.asarray(densities_at(noisy, unseen.evidence))
    assert np.allclose(heights + 0.5 * noisy[:, -2] ** 2, heights[0] + 4.5, atol=1e-9)
    other = blind(prepare(with_tests(world(seed=1), one=10.0, miss=5.0).dataset, model))
    assert np.allclose(np.asarray(densities_at(noisy, other.evidence)), heights, atol=1e-2)  # spend tells the rest


def test_draws_reproduce_the_prior(unseen, drawn, weighed):
    places, weights, size = weighed
    assert size > 2000
    mean, chance = weights @ places, np.sqrt(1 / size + 1 / drawn.effective)
    spread = np.sqrt(weights @ (places - mean) ** 2)
    assert np.abs((drawn.places.mean(axis=0) - mean) / spread).max() < 4 * chance
    assert np.abs(drawn.places.std(axis=0) / spread - 1).max() < 4 * chance
    slow, fast = (place_parameters(each, unseen.evidence) for each in (places, drawn.places))
    for one, other in ((slow.share, fast.share), (slow.carry[0], fast.carry[0]), (slow.halfway, fast.halfway)):
        for channel in range(2):
            order = np.argsort(one[:, channel])
            below = np.cumsum(weights[order])
            for level in (0.1, 0.5, 0.9):
                quantile = one[order[np.searchsorted(below, level)], channel]
                assert (other[:, channel] < quantile).mean() == pytest.approx(level, abs=4 * 0.5 * chance)


def test_what_is_told_of_a_channel_is_what_is_believed_of_it(world, with_tests, modelled):
    """Returns and half-lives told as 90 % ranges; what ties channels together moves their ends by little."""
    told = ChannelColumns(kind="paid", spend="x", roas=Range(low=1.0, high=6.0), half_life=LifeRange(low=2.0, high=8.0))
    dataset = with_tests(world(seed=1)).dataset
    first, second = prior_predictive(dataset, modelled(channels={"channel 0": told}), 1, 1000).readings
    assert first.roas == pytest.approx((1.0, np.sqrt(6.0), 6.0), rel=0.2)
    assert first.half_life == pytest.approx((2.0, 4.0, 8.0), rel=0.2)
    assert second.roas[2] > 10 and second.half_life[0] < 1


@pytest.mark.parametrize("told", [((0.05, 0.1),), ((0.05, 0.2),), ((0.02, 0.6),), ((0.05, 0.2), (0.1, 0.4))])
def test_told_elasticities_are_what_is_believed_of_them(world, with_tests, modelled, told):
    """Not told times otherwise believed: of one channel, or of both, which are not independent."""
    dataset = with_tests(world(seed=1)).dataset
    channels = {
        f"channel {1 - at}": ChannelColumns(kind="paid", spend=f"x{at}", elasticity=ElasticityRange(low=low, high=high))
        for at, (low, high) in enumerate(told)
    }
    unseen = blind(prepare(dataset, modelled(channels=channels)))
    media = explain(unseen, draw_posterior(unseen, "fast", 1, 1000).places)
    curves = to_curves(dataset, unseen, media).curves.channels
    for channel, (low, high) in zip(curves[::-1], told, strict=False):
        today = np.full(1000, np.mean(channel.history.last))
        gained = (respond(channel, 1.01 * today) - respond(channel, 0.99 * today)) / 0.02 / dataset.outcome.mean()
        assert np.percentile(gained, [5, 50, 95]) == pytest.approx([low, np.sqrt(low * high), high], rel=0.2)


def test_without_data_nothing_is_learned_of_any_channel(world, with_tests, model, unseen, drawn):
    """What ties channels together narrows them, and is no news; so is what the prior's own draws leave to chance."""
    dataset = with_tests(world(seed=1)).dataset
    curves = to_curves(dataset, unseen, explain(unseen, drawn.places[:50])).curves
    found = {check.name: check for check in identified(dataset, unseen, drawn, curves)}
    free = np.random.default_rng(0).standard_normal((4000, len(unseen.hint)))
    untied = readable(free, unseen.evidence).std(axis=0)
    for name in dataset.channels:
        details = found[f"channel {name}"].details
        learned = [details[part] for part in unseen.structure.coordinates]
        assert abs(details["share"]) < 0.1 and np.abs(learned).max() < 0.2  # draws of some 500 are off by a tenth
        assert details["prior spread of share"] < 0.95 * untied[dataset.channels.index(name)]
    assert found["known money"].figure == 0


def test_prior_draws_are_those_of_the_density(unseen, weighed):
    """Their spreads, and what they believe of elasticities, which are read off the curves in money."""
    places, weights, _ = weighed
    seen = np.concatenate([np.log(place_parameters(places, unseen.evidence).share), places[:, 2:]], axis=1)
    mean = weights @ seen
    spread = np.sqrt(weights @ (seen - mean) ** 2)
    assert spreads(unseen.evidence) == pytest.approx(spread, rel=0.1)
    kept = np.random.default_rng(0).choice(len(places), 2000, p=weights)
    media = explain(unseen, places[kept])
    logs = []
    for index, today in enumerate(unseen.panel.today):
        ceiling, halfway = media.ceiling[:, index], media.parameters.halfway[:, index]
        up, down = (
            SATURATIONS["burr"].share(level * today / halfway, *(one[:, index] for one in media.parameters.bend))
            for level in (1.001, 0.999)
        )
        logs.append(np.log(ceiling * (up - down) / 0.002 + 1e-12))
    told = eqx.tree_at(lambda one: one.priors.elasticity_told, unseen.evidence, np.zeros((2, 2)))
    found = otherwise(told)
    assert found.mean == pytest.approx(np.mean(logs, axis=1), abs=0.15)
    assert np.linalg.inv(found.precision) == pytest.approx(np.cov(logs), rel=0.25)


def test_beliefs_do_not_look_at_the_outcome_but_for_its_size(world):
    """A share is a share of the outcome, a told return is one over it; nothing else of it is looked at."""
    one, other = (world(seed=1, noise=noise).dataset for noise in (0.01, 0.3))
    for left, right in zip(believe(one, {}), believe(other, {}), strict=True):
        assert np.array_equal(left, right, equal_nan=True)
