"""Curves and questions for what-if pages: every family, every kind of time, and what the planner says of them."""

from pathlib import Path

import numpy as np

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.plan import Plan, by_draw, optimize
from engine.optimize.rules import problem_of
from engine.report.whatif_page.html import page_html
from engine.report.whatif_page.levers import what_if_of
from engine.response.curves import KINDS, Channel, Curves, Family, History, Mixture
from engine.response.curves_file import write_curves

ADSTOCKS = {  # least and most of what each takes
    "geometric": {"retain": (0.0, 0.9)},
    "delayed": {"retain": (0.2, 0.8), "peak": (0.0, 4.0)},
    "weibull_cdf": {"shape": (0.6, 3.0), "scale": (0.5, 8.0)},
    "weibull_pdf": {"shape": (0.6, 3.0), "scale": (0.5, 8.0)},
    "two_speed": {"retain": (0.0, 0.5), "retain_slow": (0.6, 0.9), "slow": (0.0, 1.0)},
    "buildup": {"retain": (0.1, 0.8), "onset": (0.0, 0.6)},
}
SATURATIONS = {
    "hill": {"slope": (0.7, 1.8)},
    "michaelis_menten": {},
    "exponential": {},
    "tanh": {},
    "logistic": {"slope": (1.0, 1.5)},
    "power": {"slope": (0.6, 1.0)},
    "burr": {"slope": (0.7, 1.5), "tail": (0.3, 8.0)},
}
TIMES = {
    "one split": "horizon = { start = 2027-01-04, periods = 26 }\nevery_channel = { flighting = { on = 3, off = 2 } }",
    "quarters from history": 'horizon = { start = 2027-01-04, periods = 26, decide = "quarter", tail = 8 }',
    "quarters of a cycle": 'horizon = { start = 2027-01-04, periods = 26, decide = "quarter", carry_over = "cycle" }',
}


def family(name: str, table: dict, draws: int, random: np.random.Generator) -> Family:
    """Draws of a family, at home in what it takes."""
    return Family(name, {key: random.uniform(*ends, draws) for key, ends in table[name].items()})


def channel(name: str, place: int, shapes: tuple[str, str], draws: int, random: np.random.Generator) -> Channel:
    """A channel of two families, with half a year of history."""
    spend = 100.0 * (1 + place) * random.lognormal(0.0, 0.4, 30)
    shape = family(shapes[1], SATURATIONS, draws, random).parameters
    money = {
        "ceiling": spend.mean() * random.uniform(1.5, 4.0, draws),
        "halfway": spend.mean() * random.uniform(0.7, 2.0, draws),
    }
    return Channel(
        name,
        KINDS[place % 4],
        family(shapes[0], ADSTOCKS, draws, random),
        Family(shapes[1], money | shape),
        History(float(spend.mean()), float(spend.max()), tuple(spend.tolist())),
    )


def curves(adstock: str = "geometric", shapes: tuple[str, ...] = tuple(SATURATIONS), draws: int = 9) -> Curves:
    """Weekly curves with one channel for each saturation."""
    random = np.random.default_rng(len(adstock) + draws)
    return of_channels(*(channel(f"by {name}", at, (adstock, name), draws, random) for at, name in enumerate(shapes)))


def of_channels(*channels: Channel) -> Curves:
    """Weekly curves in euros of revenue."""
    return Curves("EUR", "revenue", "week", channels, 1.0, prudence=0.5)


def mixed(adstocks: tuple[str, str], saturations: tuple[str, str]) -> Channel:
    """A channel whose first four draws are of other families than its last five."""
    random = np.random.default_rng(3)
    one, two = (
        channel("mixed", 0, shapes, draws, random)
        for shapes, draws in zip(zip(adstocks, saturations, strict=True), (4, 5), strict=True)
    )
    both = (Mixture((one.adstock, two.adstock)), Mixture((one.saturation, two.saturation)))
    return Channel("mixed", "paid", *both, one.history)


def question(text: str = TIMES["one split"], rest: str = "budget = { of_history = 1.0 }") -> Scenario:
    """A scenario over such a time."""
    return parse(f'name = "A split"\n{rest}\n{text}\n', Scenario, "question.toml")


def page(held: Curves, asked: Scenario) -> tuple[str, Plan]:
    """The page of a question with one budget, and its plan."""
    plan = optimize(held, asked, priced=False)
    return page_html(what_if_of(held, asked, (plan,), 0)), plan


def valued(held: Curves, asked: Scenario, money: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the planner says that money by channel and decision brings: by channel and draw, and by draw."""
    return by_draw(problem_of(held, asked), money.ravel())


def written(folder: Path, held: Curves, text: str) -> tuple[Path, Path]:
    """A curves file and a scenario file."""
    write_curves(folder / "curves.json", held)
    (folder / "asked.toml").write_text(text, encoding="utf-8")
    return folder / "curves.json", folder / "asked.toml"
