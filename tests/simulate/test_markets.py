"""Every market that comes along behaves as published markets do."""

import numpy as np
import pytest

from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample_folder
from engine.config.touches import Mailing, Press
from engine.study.imagine import imagine

MARKETS = sorted(path.stem for path in sample_folder("configs").glob("*.toml"))


@pytest.fixture(scope="module", params=MARKETS)
def imagined(request):
    return imagine(load(sample_folder("configs") / f"{request.param}.toml", Market), 156, 2027)


def test_marketing_and_its_returns_are_of_the_usual_size(imagined):
    """5-15 % of revenue is spent, 50-80 % of sales would come anyway, ROAS .5-6 with falling returns.

    Advertising elasticity: .12 in the short and .24 in the long term in the mean over 751 and 402 estimates
    (Sethuraman, Tellis, Briesch 2011); here that of the whole budget, over three years.
    """
    known = imagined.truth
    assert 0.05 <= known.spend.sum() / known.revenue <= 0.15
    assert 0.50 <= known.baseline / known.revenue <= 0.80
    assert ((known.roas >= 0.5) & (known.roas <= 6)).all()
    elasticity = known.marginal_roas * known.spend / known.revenue
    assert 0.10 <= elasticity.sum() <= 0.28
    assert ((elasticity > 0.003) & (elasticity < 0.12)).all()


def test_returns_fall_at_high_spend(imagined):
    """Beyond twice the usual spend every channel's curve is concave, S-shaped or not."""
    curves = imagined.truth.curves
    late = np.diff(curves[imagined.truth.multiples >= 2.0], 2, axis=0)
    assert (late < 1e-9 * curves.max(axis=0)).all()


def test_effects_carry_over_for_weeks_and_not_for_years(imagined):
    """90 % of an effect within 6-9 months (Leone 1995), content apart, which builds for a season first."""
    share = np.cumsum(imagined.truth.kernel, axis=0) / imagined.truth.kernel.sum(axis=0)
    half = np.argmax(share >= 0.5, axis=0)
    built = [channel.mechanic == "content" for channel in imagined.market.channels.values()]
    assert (half[~np.array(built)] <= 14).all()
    assert (half[np.array(built)] >= 9).all()


def test_hazards_lie_in_their_published_ranges(imagined):
    """Branching .2-.7; a third of new subscribers is lost in 30 days and 56 % are left after a year."""
    for channel in imagined.market.channels.values():
        if isinstance(channel, Press):
            assert 0.2 <= channel.branching <= 0.7
        if isinstance(channel, Mailing):
            assert channel.leave_new > channel.leave_seasoned == pytest.approx(0.0034)


def test_the_funnel_is_near_its_steady_state_and_narrows(imagined):
    people = np.asarray(imagined.trajectory.people).sum(axis=1)
    years = people.reshape(3, 52, -1).mean(axis=1)
    assert years[2] == pytest.approx(years[0], rel=0.12)
    share = dict(zip(imagined.world.ladder.stages, people.mean(axis=0) / imagined.market.population, strict=True))
    assert min(share[stage] for stage in share if stage != "rival" or imagined.market.rivals) > 0.002
    assert share["advocate"] < share["customer"]
    flows = dict(zip(imagined.world.ladder.events, np.asarray(imagined.trajectory.flows).sum(axis=(0, 1)), strict=True))
    considering = flows["consider"] + flows["reconsider"]
    assert 0.10 <= flows["buy"] / considering <= 0.90


def test_spend_varies_enough_to_learn_from_and_channels_are_not_alike(imagined):
    spread = imagined.spend.std(axis=0) / imagined.spend.mean(axis=0)
    assert (spread >= 0.35).all()
    alike = np.corrcoef(imagined.spend.T) - np.eye(imagined.spend.shape[1])
    assert np.abs(alike).max() <= 0.6
