"""What a report is made from: the runs that were given, as the records of the rooms that made them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Fit
from engine.optimize.budgets.frontier import Frontier
from engine.optimize.plan import Plan
from engine.report.world import WorldRun
from engine.response.curves import Curves
from engine.stress.readout import Answer
from engine.words import plain


@dataclass(frozen=True)
class Source:
    """One file that was read for a report."""

    name: str  # as it was named, or as its folder was, with its own name
    what: str  # in words
    digest: str
    schema: str


@dataclass(frozen=True)
class FitRun:
    """What spend does, and what is known of how that was found."""

    curves: Curves
    fit: Fit | None = None  # None: a file of curves alone
    made_from: Mapping[str, str] | None = None  # digests of what was fitted
    settings: Mapping[str, str | int | float] | None = None
    versions: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Given:
    """Every run of a report; the first plan is the one whose decision it opens with."""

    fit: FitRun | None = None
    plans: tuple[Plan, ...] = ()
    stress: Answer | None = None
    outcomes: Float[np.ndarray, " path"] | None = None  # of its paths, as it is told; None where they were not kept
    frontier: Frontier | None = None
    world: WorldRun | None = None
    sources: tuple[Source, ...] = ()

    @property
    def plan(self) -> Plan | None:
        """The plan that is decided upon."""
        return self.plans[0] if self.plans else None

    def other_than_plan(self, scenario: str) -> bool:
        """Whether a run is of another scenario than the plan that is decided upon."""
        return self.plan is not None and scenario != self.plan.scenario

    def news(self, warnings: tuple[str, ...]) -> tuple[str, ...]:
        """Those warnings that are not told with the plan already."""
        return tuple(one for one in warnings if self.plan is None or one not in self.plan.warnings)


def named_apart(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans, those whose scenarios read alike numbered from the second on: no two are told by one name."""
    seen, found = [_read(plan.scenario) for plan in plans], list[Plan]()
    given, taken = Counter(seen), set[str]()
    for plan, name in zip(plans, seen, strict=True):
        told, number = name, 2
        while told in taken or (told != name and told in given):
            told, number = f"{name} ({number})", number + 1
        taken.add(told)
        found.append(plan if told == name else replace(plan, scenario=f"{plan.scenario}{told.removeprefix(name)}"))
    return tuple(found)


def _read(name: str) -> str:
    """A name as it is read on a page, where many spaces are one."""
    return " ".join(plain(name).split())
