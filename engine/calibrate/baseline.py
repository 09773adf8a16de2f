"""The outcome without marketing: level, trend, season, controls, events and geo effects, as columns.

Each column comes with a prior spread in units of the noise: the linear block is integrated out in closed
form, and the spreads keep a long trend or many events from explaining what the channels did.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.config.model import Baseline, Trend
from engine.data.dataset import Dataset
from engine.periods import PER_YEAR, Period

COMPONENTS = ("level", "trend", "season", "controls", "events", "demand", "drift")

LEVEL_SPREAD = 3.0  # of the mean outcome: as good as free
GEO_LEVEL_SPREAD = 1.0  # how much geos may differ per head
GEO_TREND_SPREAD = 0.05  # a year; around the shared trend
TREND_SPREAD = 0.3  # a year
KNOT_SPREAD = 0.1  # a year: change of the yearly slope at each knot
KNOTS_PER_YEAR = 2
SMOOTH_KNOT = 4  # weeks between the knots of a smooth trend
SEASON_ORDER = 3  # pairs of yearly waves
SEASON_SPREAD = 0.3  # divided by the wave number: slow waves are larger
CONTROL_SPREAD = 0.15  # for one standard deviation of a control within geos
GEO_CONTROL_SPREAD = 0.1  # how much that of one deviation in a geo may differ from what it is in all
ROWS_OF_AN_EFFECT = 4  # fewer rows for each effect of a control in a geo, and it is the same in all geos
MOST_WORK = 4e8  # rows times the square of the number of such effects: half a minute's work
EVENT_SPREAD = 0.5  # holidays may be sharp
SMOOTHING = 3.0  # weeks: width of the window through which spend shows the demand it follows
WIDTHS = 4  # of the window to either side that it holds


@dataclass(frozen=True)
class Design:
    """The linear block: one row per period and geo (geo fastest), one column per effect."""

    columns: Float[np.ndarray, "row column"]
    spread: Float[np.ndarray, " column"]  # prior standard deviation [mean outcome]
    component: Int[np.ndarray, " column"]  # index into COMPONENTS


def design(dataset: Dataset, baseline: Baseline) -> Design:
    """The baseline's columns for a data set."""
    periods, geos = dataset.outcome.shape
    years = np.arange(periods) / PER_YEAR[dataset.period]
    blocks = [
        (np.ones((periods, 1)), np.array([LEVEL_SPREAD]), "level"),
        (*_trend(years, baseline.trend, dataset.period), "trend"),
        (*_season(years, dataset.period, baseline.season), "season"),
    ]
    shared = [(np.repeat(columns, geos, axis=0), spread, part) for columns, spread, part in blocks]
    if geos > 1:
        shared += _geo_effects(years, geos, baseline.trend != "none")
    shared += [(columns, np.full(columns.shape[1], spread), "controls") for columns, spread in _controls(dataset)]
    events = dataset.events.reshape(periods * geos, -1)
    shared.append((events, np.full(events.shape[1], EVENT_SPREAD), "events"))
    return Design(
        columns=np.concatenate([columns for columns, _, _ in shared], axis=1),
        spread=np.concatenate([spread for _, spread, _ in shared]),
        component=np.concatenate([np.full(len(spread), COMPONENTS.index(part)) for _, spread, part in shared]),
    )


def season_order(period: Period) -> int:
    """Pairs of yearly waves: three, whatever the length of history, and never more than half the periods of a year.

    A year that is too short to show its waves has them all the same. Left out, they are what the slowest channel is
    believed to bring; their prior spreads leave them in doubt instead.

    >>> [season_order(period) for period in ("week", "month", "quarter", "year")]
    [3, 3, 1, 0]
    """
    return min(SEASON_ORDER, max(0, math.ceil(PER_YEAR[period] / 2) - 1))


def _trend(
    years: Float[np.ndarray, " period"], kind: Trend, period: Period
) -> tuple[Float[np.ndarray, "period knot"], Float[np.ndarray, " knot"]]:
    """A slope, and bends at knots: two a year, or every four weeks for a smooth trend.

    Bends are independent, so the slope is believed to be a random walk; a smooth one's has as much variance in a year.
    """
    if kind == "none":
        return np.zeros((len(years), 0)), np.zeros(0)
    centred = (years - years.mean())[:, None]
    if kind == "linear":
        return centred, np.array([TREND_SPREAD])
    per_year = KNOTS_PER_YEAR if kind == "piecewise" else min(PER_YEAR["week"] / SMOOTH_KNOT, PER_YEAR[period])
    count = max(0, round(years[-1] * per_year) - 1)
    knots = np.linspace(years[0], years[-1], count + 2)[1:-1]
    hinges = np.maximum(years[:, None] - knots, 0.0)
    return (
        np.concatenate([centred, hinges - hinges.mean(axis=0)], axis=1),
        np.concatenate([[TREND_SPREAD], np.full(count, KNOT_SPREAD * math.sqrt(KNOTS_PER_YEAR / per_year))]),
    )


def _season(years: Float[np.ndarray, " period"], period: Period, order: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Yearly waves, and for days the six effects of the week around their mean."""
    count = season_order(period) if order is None else order
    waves = np.arange(1, count + 1)
    angle = 2 * np.pi * years[:, None] * waves
    columns = [np.sin(angle), np.cos(angle)]
    spread = [SEASON_SPREAD / waves, SEASON_SPREAD / waves]
    if period == "day":
        days = np.eye(7)[np.arange(len(years)) % 7] - 1 / 7
        columns.append(days)
        spread.append(np.full(7, SEASON_SPREAD))
    return np.concatenate(columns, axis=1), np.concatenate(spread)


def _geo_effects(
    years: Float[np.ndarray, " period"], geos: int, trend: bool
) -> list[tuple[np.ndarray, np.ndarray, str]]:
    levels = np.tile(np.eye(geos), (len(years), 1))
    effects = [(levels, np.full(geos, GEO_LEVEL_SPREAD), "level")]
    if trend:
        slopes = np.repeat(years - years.mean(), geos)[:, None] * levels
        effects.append((slopes, np.full(geos, GEO_TREND_SPREAD), "trend"))
    return effects


def _controls(dataset: Dataset) -> list[tuple[Float[np.ndarray, "row column"], float]]:
    """Controls as they move within geos, and each of them in each geo alone, with their prior spreads.

    What differs between geos all the time is their level's. The effect in all geos is one for each unit of the control;
    how far a geo's own is from it is believed in that geo's own movement, because units may grow with its size.
    """
    periods, geos, count = dataset.controls.shape
    moved = dataset.controls - dataset.controls.mean(axis=0)
    moved = np.where(np.abs(moved).max(axis=0) > 1e-12 * np.abs(dataset.controls).max(axis=(0, 1)), moved, 0.0)
    rows, effects = periods * geos, geos * count
    blocks = [(_at_one(moved, (0, 1)).reshape(rows, count), CONTROL_SPREAD)]
    if geos > 1 and effects <= rows / ROWS_OF_AN_EFFECT and rows * effects**2 <= MOST_WORK:
        own = _at_one(moved, (0,))[:, :, None, :] * np.eye(geos)[:, :, None]
        blocks.append((own.reshape(rows, effects), GEO_CONTROL_SPREAD))
    return blocks


def _at_one(
    moved: Float[np.ndarray, "period geo control"], axes: tuple[int, ...]
) -> Float[np.ndarray, "period geo control"]:
    """Columns of mean 0 at spread 1 over these axes; one that never moves carries nothing and stays zeros."""
    spread = np.sqrt((moved**2).mean(axis=axes, keepdims=True))
    found: np.ndarray = moved / np.where(spread > 0, spread, 1.0)
    return found


def demand_columns(
    dose: Float[np.ndarray, "period geo channel"], hidden: Float[np.ndarray, " channel"], weeks: float
) -> Design:
    """What spend that follows demand says of demand itself: each channel's spend, and its smoothed course.

    Both are at mean 0 and spread 1. Their coefficients, outcome that came with the spend but not through it, are
    believed to be normal around 0.

    Args:
        dose: Spend per head.
        hidden: Standard deviation of that belief [scaled outcome].
        weeks: In one period.
    """
    width = SMOOTHING / weeks
    weight = _near(np.ones(len(dose)), width)
    smooth = np.apply_along_axis(_near, 0, dose, width) / weight[:, None, None]
    blocks = [(one - one.mean(axis=0)).reshape(-1, dose.shape[-1]) for one in (dose, smooth)]
    columns = np.concatenate(blocks, axis=1)
    spread = columns.std(axis=0)
    columns = columns / np.where(spread > 1e-9, spread, 1.0)
    return Design(columns, np.tile(hidden, 2), np.full(columns.shape[1], COMPONENTS.index("demand")))


def _near(values: Float[np.ndarray, " period"], width: float) -> Float[np.ndarray, " period"]:
    """Sums over the neighbours of each period, weighted by their distance."""
    reach = math.ceil(WIDTHS * width)
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.convolve(values, weight)[reach:-reach]


def padded(columns: Design, room: int) -> Design:
    """At least `room` columns, the last of them empty: they change no likelihood."""
    missing = max(0, room - len(columns.spread))
    empty = Design(
        np.zeros((len(columns.columns), missing)), np.ones(missing), np.full(missing, COMPONENTS.index("level"))
    )
    return together(columns, empty) if missing else columns


def together(one: Design, other: Design) -> Design:
    """The columns of both."""
    return Design(
        np.concatenate([one.columns, other.columns], axis=1),
        np.concatenate([one.spread, other.spread]),
        np.concatenate([one.component, other.component]),
    )
