"""Random budgets over Hill curves with floors and caps, groups and flights where asked, and rows that vary them."""

from datetime import date

import numpy as np

from engine.config.scenario import Budget, ChannelRules, Goal, Group, Horizon, Scenario, ShareBounds
from engine.optimize.batch.variations import Variations
from engine.response.curves import Channel, Curves, Family, History

PERIODS, DRAWS = 52, 200
SLOPES = {"concave": (0.5, 1.0), "robyn": (0.5, 3.0), "mixed": (0.5, 4.0), "steep": (2.5, 4.0)}
KINDS = ("paid", "paid", "earned", "owned")
SPREAD = 0.15  # of the logarithms of price and effect factors


def question(family: str, channels: int, seed: int, rules: str) -> tuple[Curves, Scenario]:
    """One question: slopes from the family's range, a budget of .3 to 1.2 of all halfway spends.

    `rules` is "own" for floors and caps alone, "groups" for shares and minimum flights too, "prudent" for own rules and
    moves that must be worth .4 of their doubt.
    """
    rng = np.random.default_rng(seed)
    slope = rng.uniform(*SLOPES[family], channels) * np.exp(0.05 * rng.standard_normal((DRAWS, channels)))
    halfway = np.exp(rng.normal(10, 0.8, channels)) * np.exp(0.2 * rng.standard_normal((DRAWS, channels)))
    ceiling = halfway.mean(0) * rng.uniform(0.5, 4, channels) * np.exp(0.2 * rng.standard_normal((DRAWS, channels)))
    budget = float(PERIODS * rng.uniform(0.3, 1.2) * halfway.mean(0).sum())
    each = budget / channels
    history = each / PERIODS * np.exp(0.5 * rng.standard_normal(channels))
    own = {}
    for at in range(channels):
        flight = 0.5 * each if rules == "groups" and rng.random() < 0.3 else 0.0
        floor = 0.02 * each if rng.random() < 0.2 and not flight else 0.0
        own[f"c{at:03d}"] = ChannelRules(
            floor=floor, cap=2.5 * each if rng.random() < 0.3 else None, minimum_flight=flight
        )
    groups = {}
    if rules == "groups":
        groups = {
            "earned": Group(kinds=("earned",), share=ShareBounds(min=0.2)),
            "owned": Group(kinds=("owned",), share=ShareBounds(max=0.3)),
        }
    scenario = Scenario(
        name="question",
        horizon=Horizon(start=date(2027, 1, 4), periods=PERIODS),
        budget=Budget(total=budget),
        goal=Goal(prudence=0.4 if rules == "prudent" else 0.0),
        channels=own,
        groups=groups,
    )
    held = tuple(
        Channel(
            f"c{at:03d}",
            KINDS[at % len(KINDS)],
            Family("geometric", {"retain": np.zeros(DRAWS)}),
            Family(
                "hill",
                {"ceiling": ceiling[:, at].copy(), "halfway": halfway[:, at].copy(), "slope": slope[:, at].copy()},
            ),
            History(float(history[at]), 2 * float(history[at])),
        )
        for at in range(channels)
    )
    return Curves("USD", "revenue", "week", held), scenario


def variations(channels: int, rows: int, seed: int, alike: bool = False) -> Variations:
    """Rows of budgets from a half to 1.3 of the question's, and of prices and effects of every channel.

    `alike` draws them from few values, as a grid of a user has them.
    """
    rng = np.random.default_rng(seed)
    multiple = rng.uniform(0.5, 1.3, rows)
    price, effect = np.exp(SPREAD * rng.standard_normal((2, rows, channels)))
    if alike:
        multiple, price, effect = (np.round(each * 10) / 10 for each in (multiple, price, effect))
    return Variations(multiple=multiple, price=price, effect=effect)
