"""The baseline's columns."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.baseline import (
    COMPONENTS,
    CONTROL_SPREAD,
    GEO_CONTROL_SPREAD,
    MOST_WORK,
    ROWS_OF_AN_EFFECT,
    demand_columns,
    design,
    padded,
    season_order,
    together,
)
from engine.config.model import Baseline


def named(found, name):
    return found.columns[:, found.component == COMPONENTS.index(name)]


def test_every_column_has_a_prior_and_a_component(world):
    found = design(world(people=(1.0, 2.0, 3.0)).dataset, Baseline())
    assert found.columns.shape == (104 * 3, len(found.spread)) and len(found.component) == len(found.spread)
    assert (found.spread > 0).all()


def test_a_straight_line_and_a_yearly_wave_are_represented(world):
    dataset = world().dataset
    years = np.arange(104) / 52.1775
    target = 3 + 0.2 * years + np.sin(2 * np.pi * years)
    for trend in ("linear", "piecewise"):
        columns = design(dataset, Baseline(trend=trend)).columns
        left = target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
        assert np.abs(left).max() < 1e-9


@pytest.mark.parametrize(("trend", "columns"), [("none", 0), ("linear", 1), ("piecewise", 4)])
def test_trends_have_about_two_knots_a_year(world, trend, columns):
    assert named(design(world().dataset, Baseline(trend=trend)), "trend").shape[1] == columns


def test_the_season_asked_for_is_taken(world):
    for order in (0, 2, 5):
        assert named(design(world().dataset, Baseline(season=order)), "season").shape[1] == 2 * order


def test_season_never_exceeds_what_the_grain_can_show():
    assert [season_order(period) for period in ("day", "week", "month", "quarter", "year")] == [3, 3, 3, 1, 0]


def test_days_have_a_weekly_pattern(world):
    dataset = replace(world().dataset, period="day")
    season = named(design(dataset, Baseline(season=0)), "season")
    assert season.shape[1] == 7
    assert np.allclose(season[:7], season[7:14])


def test_a_control_that_never_moves_becomes_nothing_and_units_do_not_matter(world):
    dataset = world().dataset
    moving = np.random.default_rng(0).normal(size=(104, 1))
    controls = np.stack([moving, np.full((104, 1), 7e9)], axis=-1)
    found = [
        named(design(replace(dataset, controls=controls * unit, control_names=("a", "b")), Baseline()), "controls")
        for unit in (1.0, 1e8)
    ]
    assert (found[0][:, 1] == 0).all()
    assert np.allclose(found[0], found[1])
    assert found[0][:, 0].std() == pytest.approx(1.0)


def test_a_control_acts_in_each_geo_in_its_own_way_around_what_it_does_in_all(world):
    """Beside partial pooling by hand: precision-weighted means of each geo's own regression and the shared effect.

    How far a geo may be from it is counted in its own movement, here 1 to 4 times as large.
    """
    dataset = world(people=(1.0, 2.0, 3.0, 4.0)).dataset
    random = np.random.default_rng(0)
    control = random.standard_normal((104, 4, 1)) * np.arange(1, 5)[:, None]
    found = design(replace(dataset, controls=control, control_names=("a",)), Baseline(trend="none", season=0))
    mine = found.component == COMPONENTS.index("controls")
    assert mine.sum() == 5 and found.spread[mine].tolist() == [CONTROL_SPREAD, *(GEO_CONTROL_SPREAD,) * 4]
    columns, spread = found.columns[:, mine], found.spread[mine]
    moved = columns[:, 0].reshape(104, 4)
    effect, noise = np.array([0.05, 0.15, 0.25, 0.35]), 0.1
    outcome = (moved * effect + noise * random.standard_normal((104, 4))).reshape(-1)
    drawn = np.linalg.solve(columns.T @ columns / noise**2 + np.diag(spread**-2.0), columns.T @ outcome / noise**2)
    exact = noise**2 / (moved**2).sum(axis=0)  # variance of a geo's own regression
    own = (moved * outcome.reshape(104, 4)).sum(axis=0) / (moved**2).sum(axis=0)
    apart = (GEO_CONTROL_SPREAD / moved.std(axis=0)) ** 2
    weight = 1 / (exact + apart)
    shared = (weight @ own) / (weight.sum() + CONTROL_SPREAD**-2.0)
    pooled = (own / exact + shared / apart) / (1 / exact + 1 / apart)
    assert drawn[0] + drawn[1:] / moved.std(axis=0) == pytest.approx(pooled, rel=1e-6)


def test_a_control_is_what_moves_within_geos(world):
    """Whatever its level in each, which is the level's of the geo; where it never moves it is nothing."""
    dataset = world(people=(1.0, 2.0, 3.0)).dataset
    moving = np.random.default_rng(2).standard_normal((104, 3, 2))
    moving[:, 2, 0] = 0.0
    moving[:, :, 1] = 0.0
    levels = np.array([[5.0, 1.0], [-300.0, 2.0], [1e6, 1e-9]])
    near, far = (
        design(replace(dataset, controls=moving + level, control_names=("a", "b")), Baseline())
        for level in (np.zeros((3, 2)), levels)
    )
    assert np.allclose(near.columns, far.columns, atol=1e-6)
    columns = named(far, "controls").reshape(104, 3, -1)
    assert np.allclose(columns.mean(axis=0), 0, atol=1e-9)
    assert np.sqrt((columns[:, :, 0] ** 2).mean()) == pytest.approx(1.0)
    own = columns[:, :, 2:].std(axis=0)
    assert np.allclose(own[:, (own > 0).any(axis=0)], np.eye(3)[:, :2]) and (columns[:, 2] == 0).all()


def test_where_geos_and_controls_are_many_effects_are_the_same_in_all(world):
    """Where a geo has few rows for each effect, and where weighing them would take long."""
    rows, geos = 104, 60
    few = rows // ROWS_OF_AN_EFFECT
    quick = int(np.sqrt(MOST_WORK / (rows * geos)) / geos)
    assert 0 < quick < few
    for people, most in (((1.0, 2.0), few), ((1.0,) * geos, quick)):
        dataset = world(people=people).dataset
        for count, columns in ((most, most * (1 + len(people))), (most + 1, most + 1)):
            controls = np.random.default_rng(1).standard_normal((rows, len(people), count))
            names = tuple(f"c{index}" for index in range(count))
            found = named(design(replace(dataset, controls=controls, control_names=names), Baseline()), "controls")
            assert found.shape[1] == columns


def test_demand_columns_are_spend_and_its_smoothed_course_in_one_scale(world):
    """The smoothed course against a weighted mean by hand; a channel that nothing hides behind has no spread."""
    dose = world(people=(1.0, 2.0)).dataset.spend
    found = demand_columns(dose, np.array([0.03, 0.0]), 1.0)
    assert found.columns.shape == (208, 4) and np.allclose(found.spread, [0.03, 0.0, 0.03, 0.0])
    assert set(found.component) == {COMPONENTS.index("demand")}
    assert np.allclose(found.columns.mean(axis=0), 0) and np.allclose(found.columns.std(axis=0), 1)
    near = np.exp(-0.5 * ((np.arange(104) - 50) / 3.0) ** 2) * (np.abs(np.arange(104) - 50) <= 12)
    smooth = np.array([[near @ dose[:, g, c] / near.sum() for c in range(2)] for g in range(2)])
    other = np.exp(-0.5 * ((np.arange(104) - 3) / 3.0) ** 2) * (np.abs(np.arange(104) - 3) <= 12)
    start = np.array([[other @ dose[:, g, c] / other.sum() for c in range(2)] for g in range(2)])
    course = found.columns.reshape(104, 2, 4)[:, :, 2:]
    slope = (course[50, 0] - course[3, 0]) / (smooth[0] - start[0])  # one scale for all rows of a channel
    assert np.allclose(course[50] - course[3], slope * (smooth - start))


@pytest.mark.parametrize(("periods", "weeks"), [(12, 1.0), (24, 1.0), (25, 1.0), (60, 1 / 7), (12, 13.0)])
def test_the_smoothed_course_is_a_weighted_mean_over_weeks_however_short_the_history(periods, weeks):
    dose = np.random.default_rng(periods).gamma(2.0, 1.0, (periods, 1, 1))
    apart = np.arange(periods)[:, None] - np.arange(periods)
    near = np.exp(-0.5 * (apart * weeks / 3.0) ** 2) * (np.abs(apart) <= max(12 / weeks, 1))
    course = (near @ dose[:, 0, 0]) / near.sum(axis=1)
    found = demand_columns(dose, np.array([0.1]), weeks).columns
    assert found.shape == (periods, 2) and np.allclose(found[:, 1], (course - course.mean()) / course.std())


def test_room_changes_no_prior_and_no_column(world):
    found = design(world().dataset, Baseline())
    wide = padded(found, len(found.spread) + 3)
    assert (wide.columns[:, -3:] == 0).all() and np.array_equal(wide.columns[:, :-3], found.columns)
    assert padded(found, 2) is found
    both = together(found, wide)
    assert both.columns.shape[1] == len(both.spread) == len(both.component) == 2 * len(found.spread) + 3
