"""The coordinate maps: standard normals become what is believed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.calibrate.priors import (
    ANY,
    HALF_LIVES,
    HALFWAY_MEDIAN,
    HALFWAY_SPREAD,
    MAPS,
    MEDIA_SHARE,
    MEDIA_SPREAD,
    NOISE_MEDIAN,
    NOISE_SPREAD,
    RETAIN,
    SHARE_SHAPE,
    Structure,
    believe,
    interpret,
    require_heard,
    structure_of,
)
from engine.compiling import quickly
from engine.config.beliefs import LifeRange, Range, ShareRange
from engine.config.model import ChannelColumns
from engine.errors import InputError
from engine.periods import PER_YEAR
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Channel, Family, History, half_life
from engine.response.saturation import SATURATIONS

LEVELS = np.linspace(0.01, 0.99, 99)
ENDS = [0.05, 0.95]
FAMILIES = [(adstock, "burr") for adstock in ADSTOCKS] + [("geometric", saturation) for saturation in SATURATIONS]
KEPT = ("retain", "onset", "retain_slow")  # shares of a stock that survive a period


def channel(kind="paid", **beliefs):
    return ChannelColumns(kind=kind, spend="x", **beliefs)


@pytest.fixture(scope="module")
def history(world):
    """Two channels; what the maps look at is their kinds, their money, the outcome's sum and the period."""
    return world().dataset


def at(dataset, levels, structure=ANY, **told):
    """The parameters where every coordinate of its own is at a level of its belief and the shared ones are at 0."""
    place = np.repeat(special.ndtri(np.asarray(levels))[:, None], structure.size(2), axis=1)
    place[:, -1] = 0.0
    return interpret(place, believe(dataset, told), structure, special)


def turned(dataset, **changes):
    return type(dataset)(**{**vars(dataset), **changes})


def test_shares_are_weibull_and_expect_the_media_share_by_money(history):
    money = history.spend.sum(axis=(0, 1))
    found = at(history, LEVELS).share
    for index, part in enumerate(money / money.sum()):
        believed = stats.weibull_min(SHARE_SHAPE, scale=part * MEDIA_SHARE / special.gamma(1 + 1 / SHARE_SHAPE))
        assert np.allclose(found[:, index], believed.ppf(LEVELS))
        assert believed.mean() == pytest.approx(part * MEDIA_SHARE)


def test_the_media_share_is_log_normal_and_moves_all_channels_together(history):
    place = np.zeros((99, ANY.size(2)))
    place[:, -1] = special.ndtri(LEVELS)
    found = interpret(place, believe(history, {}), ANY, special).share
    together = stats.lognorm(MEDIA_SPREAD, scale=MEDIA_SHARE).ppf(LEVELS)
    assert np.allclose(found / found[49], together[:, None] / together[49])


@pytest.mark.parametrize("kind", RETAIN)
def test_weekly_retain_is_kumaraswamy(history, kind):
    low, high = RETAIN[kind]
    below = 1 - (1 - at(turned(history, kinds=(kind, kind)), LEVELS).carry[0] ** low) ** high
    assert np.allclose(below, LEVELS[:, None])


def test_halfway_noise_and_shapes_have_their_distributions(history):
    found = at(history, LEVELS)
    assert np.allclose(found.halfway[:, 0], stats.lognorm(HALFWAY_SPREAD, scale=HALFWAY_MEDIAN).ppf(LEVELS))
    assert np.allclose(found.noise, stats.lognorm(NOISE_SPREAD, scale=NOISE_MEDIAN).ppf(LEVELS))
    assert np.allclose(found.bend[0][:, 1], stats.lognorm(0.45, scale=1.2).ppf(LEVELS))
    assert np.allclose(found.bend[1][:, 1], stats.lognorm(0.9, scale=1.6).ppf(LEVELS))
    assert np.allclose(1 - (1 - (found.carry[1] / found.carry[0])[:, 0] ** 0.8) ** 1.6, LEVELS)
    assert np.allclose(
        at(history, LEVELS, Structure("weibull_cdf", "hill")).carry[1][:, 0][20:80],
        stats.lognorm(0.7, scale=2.0).ppf(LEVELS)[20:80],
    )
    slopes = at(history, LEVELS, Structure("geometric", "logistic")).bend[0][:, 0]
    assert np.allclose(slopes - 1, stats.lognorm(0.8, scale=np.exp(-0.7)).ppf(LEVELS))
    assert np.allclose(
        1 - (1 - at(history, LEVELS, Structure("geometric", "power")).bend[0][:, 0] ** 4.0) ** 1.5, LEVELS
    )


@pytest.mark.parametrize("told", ["share", "roas"])
def test_a_told_contribution_is_a_range_of_nine_in_ten(history, told):
    beliefs = {"share": {"share": ShareRange(low=0.02, high=0.3)}, "roas": {"roas": Range(low=0.5, high=4.0)}}[told]
    found = at(history, ENDS, **{"channel 1": channel(**beliefs)})
    spend, outcome = history.spend[:, :, 1].sum(), history.outcome.sum()
    expected = [0.02, 0.3] if told == "share" else [0.5 * spend / outcome, 4.0 * spend / outcome]
    assert found.share[:, 1] == pytest.approx(expected)
    assert np.array_equal(found.share[:, 0], at(history, ENDS).share[:, 0])
    place = np.zeros(ANY.size(2))
    place[-1] = 3.0  # whatever all media bring
    assert interpret(place, believe(history, {"channel 1": channel(**beliefs)}), ANY, special).share[
        1
    ] == pytest.approx(np.sqrt(np.prod(expected)))


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_a_told_half_life_is_a_range_of_nine_in_ten_in_periods(history, period):
    found = at(
        turned(history, period=period),
        ENDS,
        Structure("geometric", "hill"),
        **{"channel 0": channel(half_life=LifeRange(low=0.5, high=6.0))},
    )
    curve = Family("hill", {name: np.ones(2) for name in ("ceiling", "halfway", "slope")})
    kept = Channel("a", "paid", Family("geometric", {"retain": found.carry[0][:, 0]}), curve, History(1.0, 1.0))
    assert half_life(kept) == pytest.approx([0.5, 6.0])


def test_a_belief_about_weeks_is_the_same_belief_about_other_periods(history):
    """What is left after a quarter is one belief, in whatever periods it is counted."""
    weekly = {structure: at(history, LEVELS, structure).carry for structure in (ANY, Structure("two_speed", "hill"))}
    for period in ("day", "month", "quarter"):
        weeks = PER_YEAR["week"] / PER_YEAR[period]
        for structure, expected in weekly.items():
            found = at(turned(history, period=period), LEVELS, structure).carry
            for name, one, other in zip(ADSTOCKS[structure.adstock].shape, found, expected, strict=True):
                assert np.allclose(one, other**weeks if name in KEPT else other, rtol=1e-9)
        scale, weekly_scale = (
            at(turned(history, period=one), [0.4, 0.6], Structure("weibull_pdf", "hill")).carry[1]
            for one in (period, "week")
        )
        assert np.allclose(scale * weeks, weekly_scale)


def test_slower_kinds_are_believed_slower(history):
    middle = [np.median(at(turned(history, kinds=(kind, kind)), LEVELS).carry[0]) for kind in RETAIN]
    assert middle == sorted(middle)


@pytest.mark.parametrize("period", ["day", "week", "quarter"])
@pytest.mark.parametrize(("adstock", "saturation"), FAMILIES)
def test_every_parameter_is_one_that_its_family_takes(history, adstock, saturation, period):
    structure = Structure(adstock, saturation)
    place = np.concatenate(
        [
            30 * (-1.0) ** np.arange(2)[:, None] * np.ones(structure.size(2)),
            30 * np.random.default_rng(0).standard_normal((20, structure.size(2))),
        ]
    )
    found = interpret(place, believe(turned(history, period=period), {}), structure, special)
    for table, values in ((ADSTOCKS[adstock].shape, found.carry), (SATURATIONS[saturation].shape, found.bend)):
        for (name, interval), one in zip(table.items(), values, strict=True):
            assert interval.holds(one.reshape(-1)).all(), name
    assert (found.share > 0).all() and (found.halfway > 0).all() and (found.noise > 0).all()


def test_every_parameter_of_every_family_has_a_map():
    wanted = {name for one in (*ADSTOCKS.values(), *SATURATIONS.values()) for name in one.shape}
    assert wanted == set(MAPS)


def test_values_and_gradients_are_finite_everywhere(history):
    """Of every map at once, far out and in between, with and without what is told."""
    told = {"channel 0": channel(share=ShareRange(low=0.1, high=0.2), half_life=LifeRange(low=0.1, high=50.0))}
    cases = [("day", ANY), ("quarter", Structure("two_speed", "logistic"))]
    cases += [("day", Structure("delayed", "power")), ("quarter", Structure("weibull_pdf", "hill"))]
    assert {name for _, one in cases for name in one.coordinates} >= set(MAPS)
    views = [(believe(turned(history, period=period), told), structure) for period, structure in cases]

    def total(place):
        sums = []
        for priors, structure in views:
            found = interpret(place[-structure.size(2) :], priors, structure, jax.scipy.special)
            sums += [jnp.log(part).sum() for part in (found.share, found.halfway, found.noise)]
            sums += [part.sum() for part in (*found.carry, *found.bend)]
        return jnp.stack(sums).sum()

    longest = max(structure.size(2) for _, structure in views)
    steep = quickly(jax.vmap(jax.value_and_grad(total)))
    far = np.array([-1e3, -30.0, -7.0, -1.0, 0.0, 1.0, 7.0, 30.0])[:, None] * np.ones(longest)
    values, slopes = steep(jnp.asarray(far))
    assert jnp.isfinite(values).all() and jnp.isfinite(slopes).all()


def test_numpy_and_jax_agree(history):
    dataset = turned(history, period="month")
    told = {"channel 0": channel(roas=Range(low=0.1, high=2.0), half_life=LifeRange(low=0.1, high=5.0))}
    places = np.random.default_rng(0).normal(size=(50, ANY.size(2))) * 2
    priors = believe(dataset, told)
    ours = interpret(places, priors, ANY, special)
    theirs = jax.jit(lambda x: interpret(x, priors, ANY, jax.scipy.special))(places)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.allclose(one, other, rtol=1e-10)


def test_unknown_families_are_refused_by_name():
    assert structure_of("any", "any") == ANY
    assert structure_of("hill", "any") == Structure("buildup", "hill")
    with pytest.raises(InputError, match=r"saturation = 'hil' is not known; use any, hill"):
        structure_of("hil", "any")
    with pytest.raises(InputError, match=r"adstock = 'weibull' is not known; use any, geometric"):
        structure_of("any", "weibull")


def test_a_half_life_that_the_family_has_no_place_for_is_refused():
    told = {"tv": ChannelColumns(kind="paid", spend="tv", half_life=LifeRange(low=1.0, high=4.0))}
    for name in ADSTOCKS:
        if name in HALF_LIVES:
            require_heard(Structure(name, "burr"), told)
        else:
            with pytest.raises(InputError, match="half_life of 'tv'.*" + name):
                require_heard(Structure(name, "burr"), told)
            require_heard(Structure(name, "burr"), {"tv": ChannelColumns(kind="paid", spend="tv")})
