"""Worlds with a known truth in eight classes of difficulty; written apart from the engine's own equations.

Outcome = level x (trend + season + demand + controls) + sum over channels of response(stock) + noise, response and
carry-over drawn from several families, spend steered by people: seasons, demand, flights, habits.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset

CLASSES = ("clean", "realistic", "hidden", "s_shaped", "pulsed", "near_optimal", "short", "seasonal")
LEVEL = 1_000_000.0  # outcome of a week without marketing [currency]
YEAR = 52.1775
BURN = 60  # weeks simulated before the first one that is recorded
GRID = 2000  # steps of the oracle's dynamic programme


@dataclass(frozen=True)
class Truth:
    """Each channel's true response to an even weekly spend."""

    family: tuple[str, ...]
    ceiling: Float[np.ndarray, " channel"]  # [currency/week]
    halfway: Float[np.ndarray, " channel"]  # [currency/week]
    slope: Float[np.ndarray, " channel"]

    def share(self, channel: int, stock: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Share of a channel's ceiling at a stock."""
        dose = np.asarray(stock, float) / self.halfway[channel]
        match self.family[channel]:
            case "hill":
                power = dose ** self.slope[channel]
                return power / (1 + power)
            case "exponential":
                return 1 - 0.5**dose
            case "logistic":
                return np.tanh(np.arctanh(0.5) * dose)
            case _:
                return np.minimum(np.log1p(dose) / np.log(2) / 2, 5.0)  # logarithmic: never full

    def response(self, channel: int, stock: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Outcome of a week at a stock [currency/week]."""
        return self.ceiling[channel] * self.share(channel, stock)

    def value(self, spend: Float[np.ndarray, " channel"]) -> float:
        """Outcome of a week of a steady plan [currency/week]."""
        return float(sum(self.response(c, spend[c]) for c in range(len(self.ceiling))))


@dataclass(frozen=True)
class World:
    """A history and the truth behind it."""

    name: str
    seed: int
    dataset: Dataset
    truth: Truth
    media: Float[np.ndarray, "period channel"]  # true contributions [currency/week]
    today: Float[np.ndarray, " channel"]  # mean weekly spend of the last year [currency/week]


class Made(NamedTuple):
    """What happened in all weeks, those before the first that is recorded included."""

    spend: Float[np.ndarray, "week channel"]
    media: Float[np.ndarray, "week channel"]
    outcome: Float[np.ndarray, " week"]
    controls: Float[np.ndarray, "week control"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """What makes a class."""

    weeks: int = 156
    noise: float = 0.02  # of the level
    wander: float = 0.6  # log spread of weekly spend
    season: float = 0.10
    season_in_spend: float = 0.15
    demand: float = 0.0  # spread of demand, of the level
    demand_in_spend: float = 0.0  # log spend of the followers per standard deviation of demand
    proxy: float | None = None  # correlation of the recorded proxy with demand; None: nothing is recorded
    s_shaped: bool = False
    pulsed: bool = False
    optimal: bool = False
    messy: bool = False  # irrelevant controls, a collinear pair, a mediator left out


RECIPES = {
    "clean": Recipe(),
    "realistic": Recipe(demand=0.05, demand_in_spend=0.3, proxy=0.85, messy=True),
    "hidden": Recipe(demand=0.10, demand_in_spend=0.4),
    "s_shaped": Recipe(s_shaped=True),
    "pulsed": Recipe(pulsed=True, wander=0.3),
    "near_optimal": Recipe(optimal=True),
    "short": Recipe(weeks=52),
    "seasonal": Recipe(season=0.30, season_in_spend=0.5, wander=0.5),
}
FOLLOWERS = (2, 3)  # channels that follow demand
NAMES = ("tv", "video", "display", "search", "mailing", "coverage")
KINDS = ("paid", "paid", "paid", "paid", "owned", "earned")


def build(name: str, seed: int) -> World:
    """One world of a class."""
    recipe = RECIPES[name]
    random = np.random.default_rng([seed, CLASSES.index(name)])
    mean = np.exp(random.uniform(np.log(8_000), np.log(80_000), len(NAMES)))
    truth = _truth(recipe, mean, random)
    if recipe.optimal:
        mean, truth = _at_the_optimum(truth, mean)
    weeks = recipe.weeks + BURN
    years = np.arange(weeks) / YEAR
    season = sum(random.normal(0, 1 / wave) * np.sin(2 * np.pi * wave * (years + random.uniform())) for wave in (1, 2))
    season = season / season.std()
    demand = _wandering(weeks, 0.9, random)
    kernels = [_kernel(c, random) for c in range(len(NAMES))]
    spend = _spend(recipe, mean, season, demand, kernels, random)
    stock = np.stack([np.convolve(spend[:, c], kernels[c])[:weeks] for c in range(len(NAMES))], axis=1)
    media = np.stack([truth.response(c, stock[:, c]) for c in range(len(NAMES))], axis=1)
    base = 1 + random.normal(0, 0.04) * years + recipe.season * season + recipe.demand * demand
    controls, names = _controls(recipe, demand, random)
    if recipe.messy:
        base = base + 0.03 * controls[:, -1]
    outcome = LEVEL * (base + recipe.noise * random.standard_normal(weeks)) + media.sum(axis=1)
    return _world(name, seed, truth, Made(spend, media, outcome, controls, names))


def _world(name: str, seed: int, truth: Truth, made: "Made") -> World:
    weeks = slice(BURN, None)
    spend, media, outcome, controls = (part[weeks] for part in (made.spend, made.media, made.outcome, made.controls))
    dataset = Dataset(
        period="week",
        starts=tuple(date(2022, 1, 3) + timedelta(weeks=week) for week in range(len(outcome))),
        geos=("all",),
        population=np.ones(1),
        currency="EUR",
        outcome_name="revenue",
        outcome=outcome[:, None],
        is_money=True,
        channels=NAMES,
        kinds=KINDS,
        spend=spend[:, None, :],
        driver=spend[:, None, :],
        control_names=made.names,
        controls=controls[:, None, :],
        event_names=(),
        events=np.zeros((len(outcome), 1, 0)),
        made_from=f"{name} {seed}",
    )
    return World(name, seed, dataset, truth, media, spend[-52:].mean(axis=0))


def _truth(recipe: Recipe, mean: np.ndarray, random: np.random.Generator) -> Truth:
    count = len(mean)
    families = tuple(str(one) for one in random.choice(["hill", "hill", "exponential", "logistic", "log"], count))
    slope = np.exp(random.normal(0.05, 0.2, count))
    halfway = mean * np.exp(random.uniform(np.log(0.5), np.log(3.0), count))
    if recipe.s_shaped:
        families = ("hill",) * count
        slope = random.uniform(2.0, 3.5, count)
        halfway = mean * np.exp(random.uniform(np.log(0.6), np.log(2.0), count))
    unit = Truth(families, np.ones(count), halfway, slope)
    used = np.array([unit.share(c, mean[c]) for c in range(count)])
    weight = (mean / mean.sum()) ** 0.8 * np.exp(random.normal(0, 0.5, count))
    media = random.uniform(0.4, 0.8) * LEVEL
    return Truth(families, media * weight / weight.sum() / used, halfway, slope)


def _at_the_optimum(truth: Truth, mean: np.ndarray) -> tuple[np.ndarray, Truth]:
    """History spends as the oracle would, give or take a tenth."""
    best = oracle(truth, mean.sum(), 0.15 * mean, np.full(len(mean), mean.sum()))
    return best, truth


def _wandering(weeks: int, keep: float, random: np.random.Generator) -> np.ndarray:
    steps = random.standard_normal(weeks + 100) * np.sqrt(1 - keep**2)
    path = np.zeros(weeks + 100)
    for week in range(1, len(path)):
        path[week] = keep * path[week - 1] + steps[week]
    return path[100:]


def _kernel(channel: int, random: np.random.Generator) -> np.ndarray:
    lag = np.arange(40.0)
    retain = np.clip((0.65, 0.5, 0.3, 0.1, 0.3, 0.55)[channel] + random.normal(0, 0.08), 0.02, 0.85)
    if random.uniform() < 0.3:  # builds up before it decays
        weight = (lag / 1.0 + 1) * retain**lag
    else:
        weight = retain**lag
    return weight / weight.sum()


def _spend(
    recipe: Recipe,
    mean: np.ndarray,
    season: np.ndarray,
    demand: np.ndarray,
    kernels: list[np.ndarray],
    random: np.random.Generator,
) -> Float[np.ndarray, "week channel"]:
    weeks, count = len(season), len(mean)
    log = np.zeros((weeks, count))
    for c in range(count):
        habit = 0.5 * _wandering(weeks, 0.7, random) + 0.87 * random.standard_normal(weeks)
        log[:, c] = recipe.wander * habit + recipe.season_in_spend * random.uniform(0.3, 1.0) * season
    if recipe.messy:
        log[:, 1] = 0.9 * log[:, 0] + 0.35 * log[:, 1]  # video is bought with television
    for c in FOLLOWERS:
        log[:, c] += recipe.demand_in_spend * demand
    spend = np.exp(log)
    if recipe.messy:  # searching follows television: a mediator nobody recorded
        told = np.convolve(spend[:, 0], kernels[0])[:weeks]
        spend[:, 3] *= (told / told.mean()) ** 0.4
    if recipe.pulsed:
        for c in range(count):
            cycle, on = int(random.integers(6, 13)), int(random.integers(2, 4))
            phase = int(random.integers(cycle))
            spend[:, c] *= ((np.arange(weeks) + phase) % cycle) < on
    return spend / spend[BURN:].mean(axis=0) * mean


def _controls(
    recipe: Recipe, demand: np.ndarray, random: np.random.Generator
) -> tuple[Float[np.ndarray, "week control"], tuple[str, ...]]:
    weeks = len(demand)
    columns, names = [], []
    if recipe.proxy is not None:
        seen = recipe.proxy * demand + np.sqrt(1 - recipe.proxy**2) * random.standard_normal(weeks)
        columns.append(seen)
        names.append("interest")
    if recipe.messy:
        for index in range(3):
            columns.append(_wandering(weeks, 0.8, random))
            names.append(f"irrelevant_{index + 1}")
        columns.append(_wandering(weeks, 0.5, random))
        names.append("weather")
    return (np.stack(columns, axis=1) if columns else np.zeros((weeks, 0))), tuple(names)


def oracle(
    truth: Truth, budget: float, low: Float[np.ndarray, " channel"], high: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, " channel"]:
    """The best steady split of a weekly budget between bounds, by dynamic programming in equal steps."""
    step = (budget - low.sum()) / GRID
    best = np.zeros(GRID + 1)
    chosen = np.zeros((len(low), GRID + 1), int)
    for c in range(len(low)):
        most = min(GRID, int((high[c] - low[c]) / step + 1e-9))
        gains = truth.response(c, low[c] + step * np.arange(most + 1))
        table = np.full((most + 1, GRID + 1), -np.inf)
        for units in range(most + 1):
            table[units, units:] = best[: GRID + 1 - units] + gains[units]
        chosen[c] = table.argmax(axis=0)
        best = table.max(axis=0)
    left, spend = GRID, low.astype(float).copy()
    for c in reversed(range(len(low))):
        spend[c] += step * chosen[c, left]
        left -= chosen[c, left]
    return spend
