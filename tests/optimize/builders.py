"""Small planning questions, and their answers by slow and obvious means that share no code with the planner."""

import itertools

import numpy as np

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.rules import problem_of
from engine.response.curves import Channel, Curves, Family, History

LN2, ATANH_HALF = np.log(2.0), np.arctanh(0.5)
SHARES = {  # of the ceiling, by dose and what a family knows beside it, as the textbooks write them
    "hill": lambda dose, slope: dose**slope / (1 + dose**slope),
    "michaelis_menten": lambda dose: dose / (1 + dose),
    "exponential": lambda dose: 1 - np.exp(-LN2 * dose),
    "tanh": lambda dose: np.tanh(ATANH_HALF * dose),
    "logistic": lambda dose, slope: (1 - 3.0 ** (-slope * dose)) / (1 + (3.0**slope - 2) * 3.0 ** (-slope * dose)),
    "power": lambda dose, slope: dose**slope / 2,
    "burr": lambda dose, slope, tail: 1 - (1 + (2.0 ** (1 / tail) - 1) * dose**slope) ** -tail,
}
SHAPES = {  # what a family knows, and within which limits
    "hill": {"slope": (0.0, 50.0)},
    "logistic": {"slope": (1.0, 30.0)},
    "power": {"slope": (0.0, 1.0)},
    "burr": {"slope": (0.0, 50.0), "tail": (0.05, 1000.0)},
}


def channel(name="tv", ceiling=100.0, halfway=50.0, slope=1.0, **changed):
    """A channel without carry-over; a list gives one value per draw, a slope is brought within its family's limits."""
    given = (ceiling, halfway, slope, changed.get("tail", 0.5))
    draws = dict(
        zip(
            ("ceiling", "halfway", "slope", "tail"),
            (each.copy() for each in np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in given))),
            strict=True,
        )
    )
    family, mean = changed.get("family", "hill"), changed.get("mean", 40.0)
    shape = {key: np.clip(draws[key], *limits) for key, limits in SHAPES.get(family, {}).items()}
    retain = np.broadcast_to(np.asarray(changed.get("retain", 0.0), float), draws["ceiling"].shape).copy()
    return Channel(
        name,
        changed.get("kind", "paid"),
        Family("geometric", {"retain": retain}),
        Family(family, {"ceiling": draws["ceiling"], "halfway": draws["halfway"], **shape}),
        History(mean, changed.get("most", 2 * mean)),
    )


def curves(*channels, **changed):
    """Weekly curves in dollars of revenue."""
    return Curves(**{"currency": "USD", "outcome": "revenue", "period": "week", "channels": channels, **changed})


def scenario(text, periods=1, name="x"):
    """A scenario over some weeks from Monday 2027-01-04; `text` is the rest of its TOML."""
    head = f'name = "{name}"\nhorizon = {{ start = 2027-01-04, periods = {periods} }}\n'
    return parse(head + text, Scenario, "question.toml")


def quarterly(text, periods=52, name="x"):
    """The same, decided by quarter."""
    head = f'name = "{name}"\nhorizon = {{ start = 2027-01-04, periods = {periods}, decide = "quarter" }}\n'
    return parse(head + text, Scenario, "question.toml")


def problem(held, text, periods=1):
    """The problem that such a scenario poses."""
    return problem_of(held, scenario(text, periods))


def random_saturation(rng, name, count):
    """Some draws of a family, at home in what data of a brand look like."""
    limits = {"slope": {"hill": (0.4, 4.0), "logistic": (1.0, 6.0), "power": (0.15, 1.0), "burr": (0.4, 4.0)}.get(name)}
    limits["tail"] = (0.1, 20.0)
    middle = {"ceiling": rng.uniform(20, 300), "halfway": rng.uniform(20, 200)}
    middle |= {key: np.exp(rng.uniform(*np.log(limits[key]))) for key in SHAPES.get(name, {})}
    spread = {"ceiling": 0.2, "halfway": 0.2, "slope": 0.05, "tail": 0.2}
    found = {key: value * np.exp(spread[key] * rng.standard_normal(count)) for key, value in middle.items()}
    return Family(name, found | {key: np.clip(found[key], *ends) for key, ends in SHAPES.get(name, {}).items()})


def random_curves(rng, count, draws=3, slope=(0.4, 4.0), unit=1.0):
    """Curves of Hill channels whose draws differ by a fifth."""
    kinds = ("paid", "earned", "shared", "owned")

    def spread(value, by=0.2):
        return value * np.exp(by * rng.standard_normal(draws))

    return curves(
        *(
            channel(
                f"c{at}",
                spread(rng.uniform(20, 300) * unit),
                spread(rng.uniform(20, 200) * unit),
                spread(rng.uniform(*slope), 0.05),
                kind=kinds[at % 4],
                mean=float(rng.uniform(5, 100) * unit),
            )
            for at in range(count)
        )
    )


def earned(one, money):
    """Outcome of one period by draw, without carry-over, by the textbook formulas."""
    parts = []
    for part in one.saturation.parts:
        known = dict(part.parameters)
        ceiling, dose = known.pop("ceiling"), money / known.pop("halfway")
        parts.append(ceiling * SHARES[part.name](dose, **known))
    return np.concatenate(parts)


def worth(held, spend, margin=1.0, cost=0.0):
    """Mean objective of a spend in one period without carry-over, by the textbook formulas."""
    return sum(
        margin * float(earned(one, money).mean()) - cost * money
        for one, money in zip(held.channels, spend, strict=True)
    )


def kept(asked, held, spend):
    """Whether a spend keeps every rule of a scenario, read from the scenario itself."""
    total, slack = sum(spend), 1e-6 * sum(spend)
    budget = asked.budget
    fine = abs(total - budget.total) <= slack if budget.total else total <= budget.at_most + slack
    names = [one.name for one in held.channels]
    for name, money in zip(names, spend, strict=True):
        rules = asked.channels.get(name, asked.every_channel)
        if rules:
            fine &= rules.floor - slack <= money <= (np.inf if rules.cap is None else rules.cap) + slack
            fine &= money <= slack or money >= rules.minimum_flight - slack
            fine &= rules.locked is None or abs(money - rules.locked) <= slack
    for group in asked.groups.values():
        inside = sum(
            money
            for one, money in zip(held.channels, spend, strict=True)
            if one.kind in group.kinds or one.name in group.channels
        )
        fine &= group.share.least * total - slack <= inside <= group.share.most * total + slack
        fine &= group.floor - slack <= inside <= (np.inf if group.cap is None else group.cap) + slack
    return bool(fine)


def enumerated(asked, held, most, steps, **goal):
    """The best of all spends on a grid that keep the rules, and its worth; (None, -inf) where there is none."""
    count, best = len(held.channels), (None, -np.inf)
    for taken in itertools.product(range(steps + 1), repeat=count):
        if sum(taken) > steps:
            continue
        spend = [most * part / steps for part in taken]
        if kept(asked, held, spend):
            best = max(best, (spend, worth(held, spend, **goal)), key=lambda plan: plan[1])
    return best


def best_on_fine_grid(held, budget, bounds, steps=2000):
    """The best worth of a whole budget on a grid above the floors, by dynamic programming on exact curves.

    `bounds` holds floor, cap and minimum flight of each channel.
    """
    step = (budget - sum(floor for floor, _, _ in bounds)) / steps
    best = np.full(steps + 1, -np.inf)
    best[0] = 0.0
    for at, (floor, cap, flight) in enumerate(bounds):
        spend = floor + step * np.arange(int(min((cap - floor) / step + 1e-9, steps)) + 1)
        single = curves(held.channels[at])
        gain = np.array([worth(single, [money]) for money in spend])
        gain[(spend > 0) & (spend < flight)] = -np.inf
        total = np.full(steps + 1, -np.inf)
        for taken in np.flatnonzero(np.isfinite(gain)).tolist():
            np.maximum(total[taken:], best[: steps + 1 - taken] + gain[taken], out=total[taken:])
        best = total
    return float(best[-1])
