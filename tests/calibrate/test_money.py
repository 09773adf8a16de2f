"""Scaled draws back into money."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.baseline import design
from engine.calibrate.chance import chance
from engine.calibrate.density import Evidence, Otherwise
from engine.calibrate.evidence import tests_of as evidence_of
from engine.calibrate.linear import linear_block
from engine.calibrate.money import by_geo, fit_curve, to_curves
from engine.calibrate.panel import scale
from engine.calibrate.priors import ANY, Structure, believe
from engine.calibrate.problem import Problem, explain
from engine.config.model import Baseline
from engine.response.curves import respond, respond_with_rate
from engine.response.saturation import SATURATIONS


def bends(family, random, draws=40):
    """Shape parameters of a family, draw by draw."""
    low = 0.4 if family == "power" else 1.05
    ranges = {"slope": (low, low + (0.5 if family == "power" else 1.5)), "tail": (0.3, 5.0)}
    return [random.uniform(*ranges[name], draws) for name in SATURATIONS[family].shape]


@pytest.mark.parametrize("family", SATURATIONS)
def test_a_curve_of_the_family_is_recovered_exactly(family):
    """Its response; and itself, but for a power, which has no ceiling, and Burr's curve, whose tail it ends before."""
    random = np.random.default_rng(0)
    true = np.stack([random.uniform(1, 1e6, 40), random.uniform(20, 80, 40), *bends(family, random)], axis=1)
    levels = np.geomspace(1.0, 200.0, 24)

    def response(curve):
        ceiling, halfway, *bend = (column[:, None] for column in curve.T)
        return ceiling * SATURATIONS[family].share(levels / halfway, *bend)

    begin = true * np.array([1.5, 0.6, 0.9, 1.2])[: true.shape[1]]
    found, error = fit_curve(SATURATIONS[family], levels, response(true), begin)
    assert error.max() < 1e-3
    assert np.allclose(response(found), response(true), rtol=1e-2, atol=1e-3 * true[:, 0].max())
    if family not in ("power", "burr"):
        assert np.allclose(found, true, rtol=1e-2)


@pytest.mark.parametrize("family", SATURATIONS)
def test_a_shape_that_no_curve_of_the_family_has_ends_inside_its_range(family):
    """A step, which wants the steepest there is, and a line through the origin, which wants none."""
    levels = np.geomspace(0.05, 4.0, 24)
    wanted = np.stack([np.where(levels < 1, 1e-3, 1.0), levels])
    shape = SATURATIONS[family].shape
    found, _ = fit_curve(SATURATIONS[family], levels, wanted, np.full((2, 2 + len(shape)), 1.0))
    for at, interval in enumerate(shape.values()):
        assert interval.holds(found[:, 2 + at]).all()
    assert np.isfinite(found).all()


def test_no_response_stays_none():
    found, error = fit_curve(SATURATIONS["hill"], np.arange(1.0, 9.0), np.zeros((3, 8)), np.ones((3, 3)))
    assert (error == 0).all() and (found[:, 0] == 0).all() and np.isfinite(found).all()


@pytest.fixture(scope="module")
def posed():
    """`posed(dataset, structure)`: a problem that nothing was searched in."""

    def pose(dataset, structure=ANY):
        panel, baseline = scale(dataset), design(dataset, Baseline())
        channels = len(dataset.channels)
        shape = chance(np.ones(len(panel.size)), np.ones(len(panel.outcome), bool))
        evidence = Evidence(
            dose=panel.dose,
            opening=panel.opening,
            today=panel.today,
            price=panel.dose_scale / panel.dose_scale.mean(),
            importance=panel.size / panel.size.sum() / len(panel.outcome),
            priors=believe(dataset, {}),
            otherwise=Otherwise(np.zeros(channels), np.zeros((channels, channels))),
            linear=linear_block(panel.outcome, shape, baseline),
            tests=evidence_of(dataset, panel),
            structure=structure,
        )
        size = structure.size(len(dataset.channels))
        return Problem(panel, baseline, evidence, 0.0, np.zeros(size))

    return pose


def places(problem: Problem, draws: int = 5) -> np.ndarray:
    return 0.7 * np.random.default_rng(0).normal(size=(draws, len(problem.hint)))


def test_one_geo_gives_back_the_contributions_of_history(world, posed):
    dataset = world().dataset
    problem = posed(dataset)
    media = explain(problem, places(problem))
    projection = to_curves(dataset, problem, media)
    assert projection.miss == (0, 0)
    for index, channel in enumerate(projection.curves.channels):
        retain, onset = (channel.adstock.parameters[name] for name in ("retain", "onset"))
        built = stock = np.full(5, dataset.driver[:4, 0, index].mean())
        for period in range(104):
            built = (1 - onset) * dataset.driver[period, 0, index] + onset * built
            stock = (1 - retain) * built + retain * stock
            assert np.allclose(respond(channel, stock), media.national[:, period, index], rtol=1e-9)


def test_equal_geos_are_one_large_geo(world, posed):
    dataset = world(channels=1, people=(1.0, 1.0, 1.0)).dataset
    same = dataset.driver[:, :1].repeat(3, axis=1)
    dataset = replace(dataset, spend=same, driver=same)
    problem = posed(dataset)
    media = explain(problem, places(problem))
    projection = to_curves(dataset, problem, media)
    assert max(projection.miss) < 1e-6
    parameters = projection.curves.channels[0].saturation.parameters
    heads = problem.panel.dose_scale[0] * 3
    assert np.allclose(parameters["halfway"], media.parameters.halfway[:, 0] * heads, rtol=1e-4)
    assert np.allclose(parameters["ceiling"], 3 * media.ceiling[:, 0] * problem.panel.outcome_scale, rtol=1e-4)


@pytest.mark.parametrize("saturation", SATURATIONS)
def test_unequal_geos_are_summed_closely_and_the_miss_is_told(world, posed, saturation):
    dataset = world(channels=1, people=(1.0, 2.0, 5.0)).dataset
    tilt = dataset.driver * np.array([2.0, 1.0, 0.5])[None, :, None]
    dataset = replace(dataset, spend=tilt, driver=tilt)
    problem = posed(dataset, Structure("geometric", saturation))
    media = explain(problem, places(problem))
    projection = to_curves(dataset, problem, media)
    channel = projection.curves.channels[0]
    usual = tilt.mean(axis=0)[:, 0]

    def summed(level):
        """Over geos, at a constant spend split as in history."""
        total = np.zeros(5)
        for geo in range(3):
            dose = level * usual[geo] / problem.panel.size[geo] / problem.panel.dose_scale[0]
            shape = [one[:, 0] for one in media.parameters.bend]
            share = SATURATIONS[saturation].share(dose / media.parameters.halfway[:, 0], *shape)
            total += problem.panel.size[geo] * media.ceiling[:, 0] * problem.panel.outcome_scale * share
        return total

    for level in (0.1, 0.5, 1.0, 3.0):
        miss = np.abs(respond(channel, np.full(5, level * usual.sum())) - summed(level)) / summed(4.0)
        assert miss.mean() <= 1.1 * projection.miss.response + 1e-9
    today = np.mean(channel.history.last) / channel.history.mean
    off = []
    for level in (today, 1.3 * today):
        wanted = (summed(1.0001 * level) - summed(0.9999 * level)) / (0.0002 * level * usual.sum())
        slopes = respond_with_rate(channel, np.full(5, level * usual.sum()))[1]
        off.append(np.abs(slopes - wanted).mean() / wanted.mean())
    assert projection.miss.marginal == pytest.approx(max(off), rel=0.01, abs=1e-5)
    assert max(projection.miss) < 0.05


@pytest.mark.parametrize(
    ("slope", "driver", "bound"),
    [(1.0, (0.2, 1.0, 3.0), 0.005), (1.6, (0.2, 1.0, 3.0), 0.01), (2.5, (0.5, 1.0, 1.5), 0.01)],
)
def test_a_nation_of_unequal_geos_has_the_slope_of_their_sum_where_plans_are_made(world, posed, slope, driver, bound):
    """At today's pace and nearby, against differences of the sum; with the shape of a geo it was off by a fifth."""
    dataset = world(channels=1, people=(1.0, 1.0, 1.0)).dataset
    spend = dataset.driver[:, :1].repeat(3, axis=1) * np.array(driver)[None, :, None]
    dataset = replace(dataset, spend=spend, driver=spend)
    problem = posed(dataset)
    place = np.zeros((1, len(problem.hint)))
    place[0, ANY.coordinates.index("slope")] = np.log(slope / 1.2) / 0.45
    media = explain(problem, place)
    (channel,) = to_curves(dataset, problem, media).curves.channels
    halfway = media.parameters.halfway[0, 0] * problem.panel.dose_scale[0]
    bend = [one[0, 0] for one in media.parameters.bend]
    heads = spend.mean(axis=0)[:, 0]

    def summed(level):
        share = SATURATIONS["burr"].share(level * heads / halfway, *bend)
        return media.ceiling[0, 0] * problem.panel.outcome_scale * share.sum()

    for level in np.mean(channel.history.last) / channel.history.mean * np.array([0.9, 1.0, 1.3]):
        slopes = [
            one(1.0001 * level) - one(0.9999 * level)
            for one in (summed, lambda x: respond(channel, np.array([x * heads.sum()]))[0])
        ]
        assert slopes[1] == pytest.approx(slopes[0], rel=bound)


def test_history_is_the_national_total_and_support_its_stock(world, posed):
    dataset = world(people=(1.0, 2.0)).dataset
    problem = posed(dataset)
    curves = to_curves(dataset, problem, explain(problem, np.zeros((3, len(problem.hint))))).curves
    channel, total = curves.channels[1], dataset.driver[:, :, 1].sum(axis=1)
    assert (curves.until - dataset.starts[-1]).days == 7
    assert channel.history.mean == pytest.approx(total.mean()) and channel.history.max == pytest.approx(total.max())
    assert channel.history.last == pytest.approx(tuple(total[-52:]))
    retain, onset = (channel.adstock.parameters[name][0] for name in ("retain", "onset"))
    built = stock = total[:4].mean()
    stocks = []
    for one in total:
        built = (1 - onset) * one + onset * built
        stock = (1 - retain) * built + retain * stock
        stocks.append(stock)
    assert channel.history.support == pytest.approx(tuple(np.percentile(stocks, [5, 95])))


@pytest.mark.parametrize("is_money", [True, False])
def test_an_outcome_in_money_is_worth_itself_whatever_its_name(world, posed, is_money):
    dataset = replace(world(channels=1).dataset, outcome_name="net sales", is_money=is_money)
    problem = posed(dataset)
    curves = to_curves(dataset, problem, explain(problem, places(problem, 1))).curves
    assert curves.is_money == is_money and curves.measure == "net sales"


@pytest.mark.parametrize(("period", "year"), [("day", 365), ("month", 12), ("quarter", 4)])
def test_the_latest_history_is_a_year_whatever_the_period(world, posed, period, year):
    dataset = replace(world(channels=1, periods=400).dataset, period=period)
    problem = posed(dataset)
    channel = to_curves(dataset, problem, explain(problem, places(problem, 1))).curves.channels[0]
    assert channel.history.last == pytest.approx(tuple(dataset.driver[-year:, 0, 0]))


def test_curves_by_geo_give_back_the_contributions_of_history_where_no_national_curve_does(world, posed):
    dataset = world(people=(1.0, 2.0, 5.0)).dataset
    problem = posed(dataset)
    media = explain(problem, places(problem))
    curves = by_geo(dataset, problem, media)
    told = [(one.name, one.part_of, one.geo, one.kind) for one in curves.channels]
    assert told == [
        (f"{name}/{geo}", name, geo, kind)
        for name, kind in zip(dataset.channels, dataset.kinds, strict=True)
        for geo in dataset.geos
    ]
    summed = np.zeros((len(dataset.channels), 5, 104))
    for at, one in enumerate(curves.channels):
        index, geo = divmod(at, 3)
        driver = dataset.driver[:, geo, index]
        assert one.history.mean == pytest.approx(driver.mean())
        assert one.history.last == pytest.approx(tuple(driver[-52:]))
        retain, onset = (one.adstock.parameters[name] for name in ("retain", "onset"))
        built = stock = np.full(5, driver[:4].mean())
        for period in range(104):
            built = (1 - onset) * driver[period] + onset * built
            stock = (1 - retain) * built + retain * stock
            summed[index, :, period] += respond(one, stock)
    assert np.allclose(summed, np.moveaxis(media.national, -1, 0), rtol=1e-9)


def test_one_geo_has_no_curves_by_geo(world, posed):
    dataset = world().dataset
    problem = posed(dataset)
    assert by_geo(dataset, problem, explain(problem, places(problem))) is None
