"""The search over structures: what may vary, what is proposed, and that stopping it changes nothing."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from engine.calibrate import structure_search as room
from engine.calibrate.baseline import design, padded
from engine.calibrate.chance import chance
from engine.calibrate.linear import linear_block, log_marginal
from engine.calibrate.structure_search import Candidate, Trial, default_of, propose, space_of, structure_search
from engine.config.beliefs import LifeRange
from engine.config.model import Baseline, CurveFamilies
from engine.errors import InputError, UntrustworthyError

GOOD = {"hill": 0.0, "geometric": 0.0, "linear": 0.0, 2: 0.0}


def cost(candidate):
    """A made-up score with one best structure."""
    parts = enumerate(astuple(candidate))
    return 0.01 + sum(0.0 if part in GOOD else 0.01 * (1 + (len(str(part)) + at) % 3) for at, part in parts)


@pytest.fixture
def made_up(monkeypatch):
    """Scores that cost nothing; how often one was asked for is in the list."""
    asked = []

    def score(dataset, model, seed, columns):
        found = default_of(dataset, model)
        asked.append(found)
        return cost(found)

    monkeypatch.setattr(room, "forecast_score", score)
    return asked


@pytest.fixture(scope="module")
def dataset(world):
    return world().dataset


@pytest.fixture(scope="module")
def free(modelled):
    """A model file that settles nothing of the structure."""
    return modelled().model_copy(update={"baseline": Baseline()})


def ignore(trials):
    """Nobody keeps what was tried."""


def test_the_default_comes_first_and_is_what_the_model_file_asks_for(dataset, free, made_up):
    found = structure_search(dataset, free, 1, 3, (), ignore)
    assert found.default.candidate == Candidate("any", "any", "piecewise", 3)
    assert len(found.trials) == 3


@pytest.mark.parametrize("stop", [1, 2, 9, 14])
def test_a_search_that_was_stopped_goes_on_as_if_it_never_had(dataset, free, made_up, stop):
    whole = structure_search(dataset, free, 7, 15, (), ignore)
    kept = []
    structure_search(dataset, free, 7, stop, (), kept.append)
    assert structure_search(dataset, free, 7, 15, kept[-1], ignore) == whole


def test_another_seed_tries_other_structures(dataset, free, made_up):
    one, other = (structure_search(dataset, free, seed, 8, (), ignore) for seed in (1, 2))
    assert one.trials[0] == other.trials[0]
    assert one.trials != other.trials


def test_it_learns_where_the_good_ones_are(dataset, free, made_up):
    """The best of 60 trials lies within the best hundredth of all 700 structures, whatever the seed."""
    every = sorted(
        cost(Candidate(*parts))
        for parts in np.array(
            np.meshgrid(room.SATURATIONS, room.ADSTOCKS, room.TRENDS, range(5), indexing="ij"), dtype=object
        )
        .reshape(4, -1)
        .T
    )
    assert len(every) == 700
    for seed in range(3):
        assert structure_search(dataset, free, seed, 60, (), ignore).best.score <= every[7]


def test_a_structure_proposed_again_is_not_scored_again(dataset, free, made_up):
    found = structure_search(dataset, free, 3, 60, (), ignore)
    assert len(made_up) == len(set(made_up)) < len(found.trials) == 60


def test_what_the_model_file_settles_is_left_alone(dataset, modelled, made_up):
    settled = modelled(season=1, curves=CurveFamilies(saturation="hill"))
    found = structure_search(dataset, settled, 1, 12, (), ignore)
    assert {(trial.candidate.saturation, trial.candidate.trend, trial.candidate.season) for trial in found.trials} == {
        ("hill", "piecewise", 1)
    }
    assert len({trial.candidate.adstock for trial in found.trials}) > 2


def test_a_model_file_that_settles_everything_leaves_nothing_to_search(dataset, modelled):
    settled = modelled(season=1, curves=CurveFamilies(saturation="hill", adstock="geometric"))
    with pytest.raises(InputError, match="nothing to search"):
        structure_search(dataset, settled, 1, 3, (), ignore)


def test_waves_that_a_grain_cannot_show_are_not_tried(dataset, free):
    assert space_of(dataset, free)["season"] == (0, 1, 2, 3, 4)
    assert space_of(replace(dataset, period="quarter"), free)["season"] == (0, 1)
    assert "season" not in space_of(replace(dataset, period="year"), free)


def test_families_that_a_told_half_life_has_no_place_in_are_not_tried(dataset, free):
    told = {name: one.model_copy(update={"half_life": LifeRange(low=1, high=4)}) for name, one in free.channels.items()}
    heard = space_of(dataset, free.model_copy(update={"channels": told}))["adstock"]
    assert set(heard) == {"any", "geometric", "two_speed"}
    assert set(heard) < set(space_of(dataset, free)["adstock"])


def test_structures_without_a_forecast_are_passed_over(dataset, free, monkeypatch):
    monkeypatch.setattr(room, "forecast_score", lambda dataset, model, seed, columns: np.inf)
    with pytest.raises(UntrustworthyError, match="no structure"):
        structure_search(dataset, free, 1, 3, (), ignore)
    space, default = space_of(dataset, free), default_of(dataset, free)
    failed = (Trial(default, np.inf),)
    assert propose(space, default, failed, 1) == propose(space, default, failed, 1) != default


def test_too_short_a_history_is_refused(world, modelled):
    with pytest.raises(InputError, match="too short"):
        structure_search(world(periods=30).dataset, modelled(), 1, 2, (), ignore)


def test_empty_columns_change_no_likelihood(dataset):
    shape = chance(np.ones(1), np.ones(len(dataset.outcome), bool), keep=0.8, slow=1.0)
    base = design(dataset, Baseline())
    blocks = [linear_block(dataset.outcome / 1000, shape, one) for one in (base, padded(base, 40))]
    found = [[log_marginal(block.outcome, np.array(level), block) for level in (0.02, 0.3)] for block in blocks]
    assert blocks[1].strength.shape == (40,)
    assert np.allclose(*found, rtol=1e-10)


def test_it_finds_the_season_of_a_seasonal_world(world, modelled):
    """A yearly wave of 6 % of the outcome: a baseline without one forecasts worse than one with it."""
    families = CurveFamilies(saturation="hill", adstock="geometric")
    searched = structure_search(world(seed=2).dataset, modelled(trend="linear", curves=families), 1, 9, (), ignore)
    scores = {trial.candidate.season: trial.score for trial in searched.trials}
    assert searched.best.candidate.season >= 1
    assert scores[0] > 1.2 * searched.best.score
