"""The record of curves: what it answers, and what it refuses to be."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.errors import InputError
from engine.response.adstock import ADSTOCKS
from engine.response.curves import (
    Channel,
    Curves,
    Family,
    History,
    Mixture,
    half_life,
    inflection,
    joined,
    kernel,
    most,
    respond,
    respond_with_rate,
)
from engine.response.saturation import SATURATIONS

SHAPE = {
    "slope": np.array([1.7, 0.9]),
    "tail": np.array([0.5, 4.0]),
    "retain": np.array([0.6, 0.0]),
    "peak": np.array([2.0, 0.5]),
    "shape": np.array([1.5, 0.5]),
    "scale": np.array([3.0, 1.0]),
    "retain_slow": np.array([0.9, 0.8]),
    "slow": np.array([0.3, 0.0]),
    "onset": np.array([0.2, 0.0]),
}


def channel(saturation="hill", adstock="geometric", name="tv", **changed):
    """A channel of two draws; `changed` replaces parameters by name."""
    known = {"ceiling": np.array([52_000.0, 40_000.0]), "halfway": np.array([21_000.0, 30_000.0]), **SHAPE}
    known |= {key: np.clip(known[key], one.low, one.high) for key, one in SATURATIONS[saturation].shape.items()}
    known |= {parameter: np.array(values) for parameter, values in changed.items()}
    return Channel(
        name=name,
        kind="paid",
        adstock=Family(adstock, {key: known[key] for key in ADSTOCKS[adstock].shape}),
        saturation=Family(
            saturation, {key: known[key] for key in ("ceiling", "halfway", *SATURATIONS[saturation].shape)}
        ),
        history=History(mean=18_000.0, max=61_000.0, last=(17_000.0, 16_000.0)),
    )


def curves(*channels, **changed):
    return Curves(**{"currency": "USD", "outcome": "revenue", "period": "week", "channels": channels, **changed})


@pytest.mark.parametrize("saturation", SATURATIONS)
def test_halfway_spend_wins_half_the_ceiling_draw_by_draw(saturation):
    tv = channel(saturation)
    stock = np.array([[0.0, 0.0], [21_000.0, 30_000.0]])
    assert respond(tv, stock) == pytest.approx(np.array([[0.0, 0.0], [26_000.0, 20_000.0]]), rel=1e-14)


@pytest.mark.parametrize("saturation", SATURATIONS)
def test_response_is_steep_as_its_difference(saturation):
    tv = channel(saturation)
    stock = np.geomspace(100.0, 1e6, 40)[:, None] * np.ones(2)
    rise = (respond(tv, stock * (1 + 1e-6)) - respond(tv, stock * (1 - 1e-6))) / (2e-6 * stock)
    assert respond_with_rate(tv, stock)[1] == pytest.approx(rise, rel=1e-5, abs=1e-8)


def test_hill_response_is_the_formula_of_the_file_contract():
    tv, stock = channel(), np.array([[7_000.0, 90_000.0]])
    ceiling, halfway, slope = (tv.saturation.parameters[name] for name in ("ceiling", "halfway", "slope"))
    assert respond(tv, stock) == pytest.approx(ceiling * stock**slope / (stock**slope + halfway**slope), rel=1e-13)


@pytest.mark.parametrize("saturation", SATURATIONS)
@pytest.mark.parametrize("factor", [1e-6, 1e5])
def test_the_unit_of_money_does_not_matter(saturation, factor):
    tv, stock = channel(saturation), np.array([[12_345.0, 54_321.0]])
    parameters = {**tv.saturation.parameters}
    parameters["halfway"] = parameters["halfway"] * factor
    priced = dataclasses.replace(tv, saturation=Family(saturation, parameters))
    assert respond(priced, stock * factor) == pytest.approx(respond(tv, stock), rel=1e-12)
    assert inflection(priced) == pytest.approx(inflection(tv) * factor, rel=1e-12)


def test_a_curve_bends_where_its_second_difference_changes_sign():
    tv = channel(slope=[3.0, 3.0])
    bend = inflection(tv)
    around = bend * np.linspace(0.9, 1.1, 201)[:, None]
    turns = np.diff(respond(tv, around), 2, axis=0)
    assert (turns[:95] > 0).all()
    assert (turns[105:] < 0).all()


@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_a_kernel_has_one_row_per_draw(adstock):
    weights = kernel(channel(adstock=adstock), 300)
    assert weights.shape == (2, 300)
    assert weights.sum(axis=1) == pytest.approx(1.0, rel=1e-9)


def test_a_record_knows_its_names_draws_and_value():
    held = curves(channel(), channel(name="search"), outcome_value=42.0)
    assert (held.names, held.draws, held.value) == (("tv", "search"), 2, 42.0)
    assert curves(channel()).value == 1.0


def mixed(sizes=(2, 3, 1)):
    """A channel whose draws have three saturations and two kernels, and the parts it is made of."""
    random = np.random.default_rng(4)

    def family(table, name, count, common):
        return Family(name, {key: random.uniform(0.3, 0.9, count) for key in (*common, *table[name].shape)})

    money = ("ceiling", "halfway")
    shares = [
        family(SATURATIONS, name, n, money) for name, n in zip(("burr", "exponential", "power"), sizes, strict=True)
    ]
    kernels = [family(ADSTOCKS, "two_speed", sum(sizes) - 1, ()), family(ADSTOCKS, "weibull_cdf", 1, ())]
    return Channel("tv", "paid", joined(kernels), joined(shares), History(1.0, 2.0)), kernels, shares


def test_a_mixture_answers_for_each_draw_as_its_family_does():
    both, kernels, shares = mixed()
    stock = np.random.default_rng(5).uniform(0.0, 3.0, (4, 7, 6))
    plain = Family("geometric", {"retain": np.zeros(1)})
    parts = np.split(stock, [2, 5], axis=-1)

    def alone(share):
        return dataclasses.replace(both, adstock=plain, saturation=share)

    apart = [respond_with_rate(alone(share), part) for share, part in zip(shares, parts, strict=True)]
    value, rate = respond_with_rate(both, stock)
    assert (value == np.concatenate([part for part, _ in apart], axis=-1)).all()
    assert (rate == np.concatenate([part for _, part in apart], axis=-1)).all()
    assert (respond(both, stock) == value).all()
    assert (inflection(both) == np.concatenate([inflection(alone(share)) for share in shares])).all()
    apart = [kernel(dataclasses.replace(both, adstock=one), 20) for one in kernels]
    assert (kernel(both, 20) == np.concatenate(apart)).all()
    held = curves(both)
    assert (held.draws, both.saturation.parameters["ceiling"].shape) == (6, (6,))
    assert sorted(both.saturation.parameters) == ["ceiling", "halfway"]


def test_a_mixture_answers_in_jax_as_in_numpy():
    both, _, _ = mixed()
    stock = np.random.default_rng(5).uniform(0.0, 3.0, (4, 6))
    with jax.enable_x64(True):
        found = respond_with_rate(both, jnp.asarray(stock))
    for mine, theirs in zip(found, respond_with_rate(both, stock), strict=True):
        assert np.asarray(mine) == pytest.approx(theirs, rel=1e-12)


def test_draws_of_one_family_that_follow_each_other_are_one_part():
    _, _, (burr, exponential, _) = mixed()
    assert joined([burr]) is burr
    assert isinstance(joined([burr, burr]), Family)
    both = joined([burr, burr, exponential])
    assert [part.draws for part in both.parts] == [4, 3]
    assert (both.parts[0].parameters["tail"] == np.tile(burr.parameters["tail"], 2)).all()


def test_parts_that_are_wrong_are_refused_by_channel_part_and_draw():
    both, _, (burr, exponential, power) = mixed()

    def refused(*parts):
        with pytest.raises(InputError) as refusal:
            dataclasses.replace(both, saturation=Mixture(parts))
        return str(refusal.value)

    steep = Family("power", power.parameters | {"slope": np.array([1.5])})
    assert refused(burr, steep).startswith("channel 'tv', saturation, part 2: slope of draw 1 is 1.5, outside (0, 1]")
    assert "part 1: family 'root' is not known" in refused(Family("root", burr.parameters), exponential)
    short = Family("exponential", exponential.parameters | {"halfway": np.ones(2)})
    assert "part 2: halfway has 2 draws but ceiling has 3" in refused(burr, short)
    assert "part 1 holds no draw" in refused(Family("tanh", {"ceiling": np.ones(0), "halfway": np.ones(0)}), burr)
    assert "saturation has no family" in refused()
    with pytest.raises(InputError, match=r"tv.saturation has 5 draws but tv.adstock has 6"):
        curves(dataclasses.replace(both, saturation=Mixture((burr, exponential))))


def test_the_half_life_of_a_geometric_kernel_is_its_closed_form():
    kept = np.array([0.5, 0.61, 0.9, 0.995, 0.9999])
    held = channel(retain=kept, **{key: np.ones(5) for key in ("ceiling", "halfway", "slope")})
    assert half_life(held) == pytest.approx(np.log(0.5) / np.log(kept), rel=1e-9)
    assert 0 <= half_life(channel(retain=[0.0, 0.0]))[0] < 0.01


@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_half_of_an_effect_comes_before_its_half_life(adstock):
    held = channel(adstock=adstock)
    for weights, half in zip(kernel(held, 300), half_life(held), strict=True):
        assert weights[: int(half)].sum() <= 0.5 <= weights[: int(half) + 1].sum()


def test_no_response_exceeds_the_most():
    both, _, _ = mixed()
    stock = np.geomspace(1e-3, 1e6, 30)[:, None] * np.ones(6)
    assert (respond(both, stock) <= most(both, stock)).all()
    assert (most(both, stock)[:, :5] == both.saturation.parameters["ceiling"][:5]).all()


WRONG = {
    "a steady stock that never fades": ({"retain": [0.5, 1.0]}, ["'tv'", "retain", "draw 2", "[0, 1)"]),
    "negative retention": ({"retain": [-0.1, 0.0]}, ["'tv'", "retain", "draw 1", "-0.1"]),
    "no halfway": ({"halfway": [0.0, 1.0]}, ["'tv'", "halfway", "draw 1", "(0, inf)"]),
    "negative halfway": ({"halfway": [1.0, -2.0]}, ["'tv'", "halfway", "draw 2", "-2"]),
    "negative ceiling": ({"ceiling": [1.0, -2.0]}, ["'tv'", "ceiling", "draw 2", "-2"]),
    "ceiling that is no number": ({"ceiling": [np.nan, 1.0]}, ["'tv'", "ceiling", "draw 1", "nan"]),
    "infinite ceiling": ({"ceiling": [1.0, np.inf]}, ["'tv'", "ceiling", "draw 2", "inf"]),
    "flat slope": ({"slope": [0.0, 1.0]}, ["'tv'", "slope", "draw 1", "(0, 50)"]),
    "a step instead of a slope": ({"slope": [1.0, 60.0]}, ["'tv'", "slope", "draw 2", "60"]),
}


@pytest.mark.parametrize(("changed", "words"), WRONG.values(), ids=WRONG)
def test_parameters_out_of_range_are_refused_by_channel_name_and_draw(changed, words):
    with pytest.raises(InputError) as refusal:
        channel(**changed)
    assert [word for word in words if word not in str(refusal.value)] == []


def test_a_late_peak_beyond_a_year_is_refused():
    with pytest.raises(InputError, match=r"'tv'.*peak of draw 1 is 52.*\[0, 52\)"):
        channel(adstock="delayed", peak=[52.0, 1.0])


def test_unknown_families_and_parameters_are_refused():
    tv = channel()
    with pytest.raises(InputError, match=r"'tv'.*'hil' is not known; use one of .*hill"):
        dataclasses.replace(tv, saturation=Family("hil", tv.saturation.parameters))
    with pytest.raises(InputError, match=r"'tv'.*'geometric' takes retain; missing or unknown: peak"):
        dataclasses.replace(tv, adstock=Family("geometric", {"retain": SHAPE["retain"], "peak": SHAPE["peak"]}))
    with pytest.raises(InputError, match=r"'tv'.*missing or unknown: slope"):
        dataclasses.replace(tv, saturation=Family("tanh", tv.saturation.parameters))


def test_no_channel_twin_names_and_uneven_draws_are_refused():
    with pytest.raises(InputError, match="no channel"):
        curves()
    with pytest.raises(InputError, match="'tv' stands twice"):
        curves(channel(), channel())
    short = channel(name="search", **{key: [0.5] for key in ("ceiling", "halfway", "slope", "retain")})
    with pytest.raises(InputError, match=r"search\.\w+ has 1 draws but tv\.\w+ has 2"):
        curves(channel(), short)
    empty = channel(**{key: [] for key in ("ceiling", "halfway", "slope", "retain")})
    with pytest.raises(InputError, match="no draw"):
        curves(empty)
