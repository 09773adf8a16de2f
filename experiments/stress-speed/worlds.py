"""A plan of twelve channels, some of them with S-shaped curves, and shocks of every kind that may meet it."""

from datetime import date

import numpy as np

from engine.config.scenario import Budget, ChannelRules, Goal, Group, Horizon, Ramp, Scenario, ShareBounds
from engine.config.shocks import Shock, Spread
from engine.response.curves import Channel, Curves, Family, History

START, WEEKS = date(2027, 1, 4), 52
KINDS = ("paid", "paid", "earned", "shared", "paid", "owned")


def curves(channels: int, draws: int, seed: int, steep: tuple[float, float] = (1.5, 4.0)) -> Curves:
    """Hill curves with geometric carry-over: four in ten concave, the others S-shaped."""
    luck = np.random.default_rng([seed, channels, draws])
    slope = np.where(luck.random(channels) < 0.4, luck.uniform(0.5, 1.0, channels), luck.uniform(*steep, channels))
    level = np.exp(luck.normal(10, 0.8, channels))
    found = []
    for at in range(channels):
        spread = np.exp(luck.normal(0.0, (0.05, 0.2, 0.2), (draws, 3)))
        retain = 1 / (1 + np.exp(-luck.normal(0, 0.8) - 0.3 * luck.standard_normal(draws)))
        middle = slope[at], level[at], level[at] * luck.uniform(0.5, 4)
        shape = dict(zip(("slope", "halfway", "ceiling"), (spread * middle).T.copy(), strict=True))
        spent = level[at] * luck.uniform(0.5, 1.2, 104)
        history = History(float(spent.mean()), float(spent.max()), tuple(spent.tolist()))
        family = Family("geometric", {"retain": retain})
        found.append(Channel(f"c{at:02d}", KINDS[at % len(KINDS)], family, Family("hill", shape), history))
    return Curves("USD", "revenue", "week", tuple(found))


def scenario(known: Curves, ramp: float | None) -> Scenario:
    """The money of history by quarter, with a ramp, floors and caps, a tenth for earned, and a commitment."""
    first = known.channels[0]
    return Scenario(
        name="stressed",
        horizon=Horizon(start=START, periods=WEEKS, decide="quarter"),
        budget=Budget(of_history=1.0),
        goal=Goal(prudence=0.0),
        ramp=None if ramp is None else Ramp(max_change=ramp),
        channels={
            first.name: ChannelRules(committed=(0.5 * 13 * first.history.mean,), cap=1.5 * 52 * first.history.mean)
        },
        groups={"earned": Group(kinds=("earned",), share=ShareBounds(min=0.1))},
        shocks=shocks(known),
    )


def shocks(known: Curves) -> tuple[Shock, ...]:
    """Prices and effects of every channel from the first day on, so that no two paths are alike; and others later."""
    wide, late = Spread(p05=0.8, p95=1.4), "2027-04-26"
    found = [
        Shock.model_validate({"name": f"price of {name}", "kind": "price", "channels": (name,), "factor": wide})
        for name in known.names
    ]
    found += [
        Shock.model_validate(
            {
                "name": f"effect of {name}",
                "kind": "effectiveness",
                "channels": (name,),
                "factor": Spread(p05=0.6, p95=1.3),
            }
            | {"known_after": 13}
        )
        for name in known.names
    ]
    demand = {
        "name": "demand",
        "kind": "demand",
        "factor": Spread(low=0.7, mode=1.0, high=1.15),
        "within": 20,
        "onset": 8,
    }
    cut = {
        "name": "cut",
        "kind": "budget",
        "factor": 0.85,
        "from": date.fromisoformat(late),
        "within": 20,
        "chance": 0.5,
    }
    out = {"name": "out", "kind": "outage", "channels": (known.names[1],), "from": date(2027, 4, 5), "chance": 0.3}
    out |= {"until": date(2027, 7, 5)}  # a whole quarter, so that the exact planner can be asked the same question
    return (*found, *(Shock.model_validate(each) for each in (demand, cut, out)))
