"""Small plans of a year on weekly curves with carry-over, and shocks that meet them."""

import numpy as np

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.plan import optimize
from engine.response.curves import Channel, Curves, Family, History
from engine.stress.levels import levels
from engine.stress.luck import Met
from engine.stress.setting import foreseen, setting

YEAR = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = {periods}, decide = "{decide}"{more} }}\n'
BUDGET = "budget = { total = 90_000 }\n"


def asked(text=BUDGET, periods=52, decide="quarter", more=""):
    """A scenario of a year; `more` is of its horizon."""
    return parse(YEAR.format(periods=periods, decide=decide, more=more) + text, Scenario, "q.toml")


def weekly(rng, name, slope, draws=4, **changed):
    """A channel with carry-over that differs by draw, and a history."""
    level = rng.uniform(500, 1500)
    around = {"ceiling": 3 * level, "halfway": level, "slope": slope}
    spread = {"ceiling": 0.2, "halfway": 0.2, "slope": 0.05}
    known = {key: value * np.exp(spread[key] * rng.standard_normal(draws)) for key, value in around.items()}
    return Channel(
        name,
        changed.get("kind", "paid"),
        Family("geometric", {"retain": rng.uniform(0.2, 0.8, draws)}),
        changed.get("saturation") or Family("hill", known),
        History(0.6 * level, 2 * level, tuple((level * rng.uniform(0.3, 1.0, 60)).tolist())),
    )


def curves(seed=1, slopes=(0.6, 0.8, 1.0), draws=4):
    """Channels c0, c1, ...; the last one is earned."""
    rng = np.random.default_rng(seed)
    kinds = ["paid"] * (len(slopes) - 1) + ["earned"]
    held = [
        weekly(rng, f"c{at}", slope, draws, kind=kind)
        for at, (slope, kind) in enumerate(zip(slopes, kinds, strict=True))
    ]
    return Curves("USD", "revenue", "week", tuple(held))


def set_up(held, scenario):
    """The plan that a stress test starts from, and its setting."""
    plan = optimize(held, foreseen(scenario), priced=False)
    return setting(held, scenario, plan), plan


def surely(shock, paths=1, **changed):
    """A shock that comes on all of some paths."""
    given = {"comes": np.ones(paths, bool), "factor": np.full(paths, shock.size), "later": np.zeros(paths, int)}
    return Met(shock, **{**given, **changed})


def calm(told):
    """Levels without any shock."""
    return levels(told, ())
