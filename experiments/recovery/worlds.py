"""Worlds whose truth is known, in three classes of difficulty; written apart from the engine's own equations.

Outcome = level x (1 + trend + season + demand) + sum over channels of response(stock) + noise. Responses and
carry-over come from several families, some of which calibration does not have; people steer the spend.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from jaxtyping import Float

from engine.config.experiments import Experiment
from engine.data.dataset import Dataset
from engine.data.experiments import placed
from engine.response.curves import Kind

LEVEL = 1_000_000.0  # outcome of a week without marketing [currency]
YEAR = 52.1775
WEEKS, BURN = 156, 60  # recorded; simulated before, so that the first stock is no accident
LAGS = 40  # weeks that carry-over lasts at most
NAMES = ("tv", "video", "display", "search", "mailing", "coverage")
KINDS: tuple[Kind, ...] = ("paid", "paid", "paid", "paid", "owned", "earned")
KEPT = (0.65, 0.5, 0.3, 0.1, 0.3, 0.55)  # share of a stock that survives a week, about
FOLLOWERS = (2, 3)  # channels that follow demand, where any does
PAIRS = ((0, 1), (2, 3))  # channels bought together, where any are
TEST_WEEKS, AFTER = 6, 6  # of a lift test; weeks after it whose outcome counts
TEST_SHARE = 0.1  # of the people, whose money a test changes
TEST_ERROR = (0.10, 0.15)  # standard error of a test over the size of its true effect


@dataclass(frozen=True)
class Recipe:
    """What makes a class."""

    noise: float = 0.03  # of the level
    wander: float = 0.5  # log spread of weekly spend
    season_in_spend: float = 0.15  # log spend per standard deviation of the season, at most
    together: float = 0.0  # correlation of the log spends of a pair
    demand: float = 0.0  # spread of demand, of the level; nobody records it
    demand_in_spend: float = 0.0  # log spend of the followers per standard deviation of demand


RECIPES = {
    "clean": Recipe(noise=0.02, wander=0.7),
    "collinear": Recipe(together=0.9),
    "demand-following": Recipe(wander=0.4, demand=0.10, demand_in_spend=0.45),
}
CLASSES = tuple(RECIPES)


@dataclass(frozen=True)
class Truth:
    """What each channel does: response to a stock, and the kernel by which spend becomes stock."""

    family: tuple[str, ...]
    ceiling: Float[np.ndarray, " channel"]  # [currency/week]
    halfway: Float[np.ndarray, " channel"]  # [currency/week]
    slope: Float[np.ndarray, " channel"]
    kernel: Float[np.ndarray, "lag channel"]  # sums to one

    def response(self, channel: int, stock: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Outcome of a week at a stock [currency/week]."""
        dose = np.asarray(stock, float) / self.halfway[channel]
        match self.family[channel]:
            case "hill":
                power = dose ** self.slope[channel]
                share = power / (1 + power)
            case "exponential":
                share = 1 - 0.5**dose
            case "tanh":
                share = np.tanh(np.arctanh(0.5) * dose)
            case _:
                share = np.log1p(dose) / np.log(4)  # logarithmic: never full, and no family of the engine's
        return self.ceiling[channel] * share

    def steady(self, channel: int, spend: float) -> float:
        """Outcome of a week at an even spend [currency/week]."""
        return float(self.response(channel, np.array([spend]))[0])

    def stock(self, channel: int, spend: Float[np.ndarray, " week"]) -> Float[np.ndarray, " week"]:
        """Spend carried over, nothing spent before the first week [currency/week]."""
        return np.convolve(spend, self.kernel[:, channel])[: len(spend)]


@dataclass(frozen=True)
class World:
    """A history and the truth behind it."""

    name: str
    seed: int
    dataset: Dataset
    truth: Truth
    burn: Float[np.ndarray, "earlier channel"]  # spend before the history
    stock: Float[np.ndarray, "week channel"]  # of the history
    media: Float[np.ndarray, "week channel"]  # true contributions [currency/week]

    @property
    def today(self) -> Float[np.ndarray, " channel"]:
        """Mean weekly spend of the latest year."""
        return self.dataset.spend[-52:, 0, :].mean(axis=0)


def build(name: str, seed: int) -> World:
    """One world of a class; the same seed gives the same world."""
    recipe = RECIPES[name]
    random = np.random.default_rng([seed, CLASSES.index(name)])
    mean = np.exp(random.uniform(np.log(8_000), np.log(80_000), len(NAMES)))
    truth = _truth(mean, random)
    weeks = BURN + WEEKS
    years = np.arange(weeks) / YEAR
    season = _season(years, random)
    demand = wandering(weeks, 0.9, random)
    spend = _spend(recipe, mean, season, demand, random)
    stock = np.stack([truth.stock(c, spend[:, c]) for c in range(len(NAMES))], axis=1)
    media = np.stack([truth.response(c, stock[:, c]) for c in range(len(NAMES))], axis=1)
    base = 1 + random.normal(0, 0.04) * years + 0.10 * season + recipe.demand * demand
    outcome = LEVEL * (base + recipe.noise * random.standard_normal(weeks)) + media.sum(axis=1)
    dataset = history(outcome[BURN:], spend[BURN:], NAMES, KINDS)
    return World(name, seed, dataset, truth, spend[:BURN], stock[BURN:], media[BURN:])


def _season(years: Float[np.ndarray, " week"], random: np.random.Generator) -> Float[np.ndarray, " week"]:
    """A year's course of two waves, of spread one."""
    waves = [random.normal(0, 1 / wave) * np.sin(2 * np.pi * wave * (years + random.uniform())) for wave in (1, 2)]
    season = np.sum(waves, axis=0)
    return season / season.std()


def history(
    outcome: Float[np.ndarray, " week"],
    spend: Float[np.ndarray, "week channel"],
    names: tuple[str, ...],
    kinds: tuple[Kind, ...],
) -> Dataset:
    """What an analyst knows: spend and outcome of one market, and nothing else."""
    weeks = len(outcome)
    return Dataset(
        period="week",
        starts=tuple(date(2022, 1, 3) + timedelta(weeks=week) for week in range(weeks)),
        geos=("all",),
        population=np.ones(1),
        currency="EUR",
        outcome_name="revenue",
        outcome=outcome[:, None],
        is_money=True,
        channels=names,
        kinds=kinds,
        spend=spend[:, None, :],
        driver=spend[:, None, :],
        control_names=(),
        controls=np.zeros((weeks, 1, 0)),
        event_names=(),
        events=np.zeros((weeks, 1, 0)),
    )


def wandering(weeks: int, keep: float, random: np.random.Generator) -> Float[np.ndarray, " week"]:
    """A stationary path of spread one whose neighbours correlate by `keep`."""
    steps = random.standard_normal(weeks + 100) * np.sqrt(1 - keep**2)
    path = np.zeros(weeks + 100)
    for week in range(1, len(path)):
        path[week] = keep * path[week - 1] + steps[week]
    return path[100:]


def _truth(mean: Float[np.ndarray, " channel"], random: np.random.Generator) -> Truth:
    """Responses whose bends lie between half and three times the mean spend; media bring 20 to 31 % of the outcome."""
    count = len(mean)
    family = tuple(random.choice(["hill", "hill", "exponential", "tanh", "log"], count).tolist())
    slope = np.exp(random.normal(0.05, 0.2, count))
    halfway = mean * np.exp(random.uniform(np.log(0.5), np.log(3.0), count))
    kernel = np.stack([_kernel(c, random) for c in range(count)], axis=1)
    unit = Truth(family, np.ones(count), halfway, slope, kernel)
    used = np.array([unit.steady(c, float(mean[c])) for c in range(count)])
    weight = (mean / mean.sum()) ** 0.8 * np.exp(random.normal(0, 0.5, count))
    media = random.uniform(0.25, 0.45) * LEVEL
    return replace(unit, ceiling=media * weight / weight.sum() / used)


def _kernel(channel: int, random: np.random.Generator) -> Float[np.ndarray, " lag"]:
    """Geometric; in three of ten channels building up before it decays."""
    lag = np.arange(float(LAGS))
    retain = np.clip(KEPT[channel] + random.normal(0, 0.08), 0.02, 0.85)
    weight = (lag + 1) * retain**lag if random.uniform() < 0.3 else retain**lag
    return weight / weight.sum()


def _spend(
    recipe: Recipe,
    mean: Float[np.ndarray, " channel"],
    season: Float[np.ndarray, " week"],
    demand: Float[np.ndarray, " week"],
    random: np.random.Generator,
) -> Float[np.ndarray, "week channel"]:
    weeks = len(season)
    habit = [0.5 * wandering(weeks, 0.7, random) + 0.87 * random.standard_normal(weeks) for _ in mean]
    log = recipe.wander * np.stack(habit, axis=1)
    for one, other in PAIRS:
        log[:, other] = recipe.together * log[:, one] + np.sqrt(1 - recipe.together**2) * log[:, other]
    log += recipe.season_in_spend * random.uniform(0.3, 1.0, len(mean)) * season[:, None]
    log[:, FOLLOWERS] += recipe.demand_in_spend * demand[:, None]
    spend = np.exp(log)
    return spend / spend[BURN:].mean(axis=0) * mean


def tested(world: World) -> World:
    """The same world with one lift test a channel, six weeks within the last year, on a tenth of the people.

    The true effect is exact, carry-over included: response with the changed spend less response without,
    summed from the first changed week to the last counted one. What the analyst gets is one draw around it.
    """
    random = np.random.default_rng([world.seed, CLASSES.index(world.name), 1])
    tests = []
    for channel, name in enumerate(world.dataset.channels):
        first = int(random.integers(WEEKS - 52, WEEKS - TEST_WEEKS - AFTER))
        change = float(random.choice([-1.0, 1.0]) * random.uniform(0.5, 1.0))
        effect = TEST_SHARE * incremental(world, channel, first, change)
        error = float(random.uniform(*TEST_ERROR)) * abs(effect)
        test = Experiment(
            name=f"{name} test",
            channels=(name,),
            start=world.dataset.starts[first],
            end=world.dataset.starts[first + TEST_WEEKS] - timedelta(days=1),
            until=world.dataset.starts[first + TEST_WEEKS + AFTER] - timedelta(days=1),
            spend_change=(
                TEST_SHARE * change * float(world.dataset.spend[first : first + TEST_WEEKS, 0, channel].sum()),
            ),
            outcome_change=effect + error * float(random.standard_normal()),
            standard_error=error,
            share=TEST_SHARE,
        )
        tests.append(placed(test, world.dataset))
    return replace(world, dataset=replace(world.dataset, lift_tests=tuple(tests)))


def incremental(world: World, channel: int, first: int, change: float) -> float:
    """Outcome that a relative change of one channel's spend in the weeks of a test brings, if all people see it."""
    alone = np.concatenate([world.burn[:, channel], world.dataset.spend[:, 0, channel]])
    changed = alone.copy()
    changed[BURN + first : BURN + first + TEST_WEEKS] *= 1 + change
    counted = slice(BURN + first, BURN + first + TEST_WEEKS + AFTER)
    with_and_without = [
        world.truth.response(channel, world.truth.stock(channel, spend))[counted].sum() for spend in (changed, alone)
    ]
    return float(with_and_without[0] - with_and_without[1])
