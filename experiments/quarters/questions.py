"""The same questions in the engine's records, and the planner's answers to them."""

import time
from dataclasses import dataclass, replace

import numpy as np
from instances import CHANGE, KINDS, LEAST_EARNED, MOST_SHARED, START, Instance, alike

from engine.config.scenario import Budget, ChannelRules, Goal, Group, Horizon, Ramp, Scenario, ShareBounds
from engine.optimize.plan import optimize
from engine.optimize.rules import USUAL, broken, compared, problem_of
from engine.optimize.solve import solve
from engine.response.curves import Channel, Curves, Family, History


@dataclass(frozen=True)
class Answer:
    """A plan of the planner, and what it says of it."""

    plan: np.ndarray  # channel x decision
    value: float
    bound: float
    gap: float
    proven: bool
    broken: tuple[str, ...]
    route: str
    preparing: float = 0.0  # seconds of processors until the problem stands


def curves_of(asked: Instance) -> Curves:
    """The curves of a question."""
    known = asked.draws
    channels = []
    for at in range(asked.shape[0]):
        saturation = {"ceiling": known.ceiling, "halfway": known.halfway, "slope": known.slope}
        spent = asked.history[:, at]
        channels.append(
            Channel(
                f"c{at:03d}",
                KINDS[at % len(KINDS)],
                Family("geometric", {"retain": known.retain[:, at].copy()}),
                Family("hill", {name: values[:, at].copy() for name, values in saturation.items()}),
                History(float(spent.mean()), float(spent.max()), tuple(spent.tolist())),
            )
        )
    return Curves("USD", "revenue", "week", tuple(channels))


def scenario_of(asked: Instance, prudence: float = 0.0, whole: bool = False) -> Scenario:
    """The scenario of a question; `whole` asks for one split of the year, without what tells decisions apart."""
    decide = "horizon" if whole else "month" if asked.shape[1] == 12 else "quarter"
    committed = [() if whole else tuple(row) for row in asked.committed.tolist()]
    rules = {
        f"c{at:03d}": ChannelRules(
            floor=float(asked.floor[at]),
            cap=float(asked.cap[at]),
            minimum_flight=0.0 if whole else float(asked.flight[at]),
            **({"committed": committed[at]} if any(committed[at]) else {}),
        )
        for at in range(asked.shape[0])
    }
    return Scenario(
        name="question",
        horizon=Horizon(start=START, periods=asked.edges[-1], decide=decide),
        budget=Budget(total=asked.budget, quarters=None if whole else asked.parts),
        goal=Goal(prudence=prudence),
        ramp=None if whole or asked.ramp is None else Ramp(max_change=CHANGE),
        channels=rules,
        groups={
            "earned": Group(kinds=("earned",), share=ShareBounds(min=LEAST_EARNED)),
            "shared": Group(kinds=("shared",), share=ShareBounds(max=MOST_SHARED)),
        },
    )


def planned(asked: Instance, prudence: float = 0.0) -> Answer | None:
    """The planner's answer, without what is printed beside it."""
    begin = time.process_time()
    problem = problem_of(curves_of(asked), scenario_of(asked, prudence))
    preparing = time.process_time() - begin
    found = solve(replace(problem, effort=USUAL), starts=(compared(problem),))
    if found is None:
        return None
    missed = tuple(rule.name for rule in broken(problem, found.spend))
    plan = found.spend.reshape(asked.shape)
    return Answer(plan, found.value, found.bound, found.gap, found.proven, missed, found.route, preparing)


def printed(asked: Instance) -> Answer:
    """The planner's answer from end to end."""
    plan = optimize(curves_of(asked), scenario_of(asked), priced=False)
    cells = plan.cells.reshape(asked.shape)
    return Answer(cells, plan.net, plan.bound, plan.gap, plan.proven, plan.chosen.broken, plan.route)


def of_one_split(asked: Instance) -> np.ndarray | None:
    """The planner's split of the whole year, by channel."""
    found = solve(problem_of(curves_of(asked), scenario_of(asked, whole=True)))
    return None if found is None else found.spend


def with_mean_decay(asked: Instance) -> np.ndarray | None:
    """The planner's plan where every draw carries over as the mean draw does."""
    found = planned(alike(asked))
    return None if found is None else found.plan
