"""All budgets of one question, or all balances of two goals: files in, answers out, a folder where one is wanted."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.config.relative import LARGEST_MULTIPLE
from engine.errors import InputError
from engine.files import whole_folder, write_csv, write_json
from engine.optimize.budgets.balance import Balances, balances
from engine.optimize.budgets.frontier import Frontier, Tell, asked_money, frontier, unheard
from engine.report.charts.frontier import charts_document
from engine.report.frontier import balance_rows, balances_document, frontier_document, frontier_rows
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.question import question

NOTHING = 1e-4  # of the scenario's budget: no money that anybody asks about
MOST = 500  # budgets of one frontier: each is a plan of its own


@dataclass(frozen=True)
class Sweep:
    """Which budgets: multiples of the scenario's own, or money."""

    first: float = 0.5
    last: float = 1.5
    points: int = 21
    is_money: bool = False

    def budgets(self, asked: float) -> list[float]:
        """The budgets, rising [currency].

        Raises:
            InputError: They do not rise from above 0.
        """
        self._require_unit(asked)
        if not 0 < self.first < self.last < np.inf or not 2 <= self.points <= MOST:
            raise InputError(
                f"budgets from {self.first:g} to {self.last:g} in {self.points} points: they must rise from above 0, "
                f"in 2 to {MOST} points; correct --from, --to or --points"
            )
        unit = 1.0 if self.is_money else asked
        return [float(each) for each in unit * np.linspace(self.first, self.last, self.points)]

    def _require_unit(self, asked: float) -> None:
        """Refuse multiples that are percentages or money, and money that is multiples."""
        for name, end in (("--from", self.first), ("--to", self.last)):
            if not self.is_money and LARGEST_MULTIPLE < end < np.inf:
                raise InputError(
                    f"{name} {end:g} is {end:g} times the scenario's budget, where at most {LARGEST_MULTIPLE:g} times "
                    f"is taken; write {end / 100:g} for {end:g} %, or add --money where it is money"
                )
        if self.is_money and self.last < NOTHING * asked:
            raise InputError(
                f"--to {self.last:g} is next to nothing of the scenario's budget, {asked:,.10g}; leave out --money "
                "where multiples of it are meant"
            )


def explore(
    curves: Path, scenario: Path, sweep: Sweep, accept_weak_fit: bool = False, tell: Tell = unheard
) -> Frontier:
    """The best plan of each budget of a sweep under the rules of a scenario file."""
    known = curves_of(curves, accept_weak_fit)
    wanted = question(scenario, known)
    asked = asked_money(known, wanted)
    found = frontier(known, wanted, sweep.budgets(asked), asked, tell)
    return replace(found, warnings=fit_doubts(curves))


def weigh(
    curves: Path, scenario: Path, against: str, count: int, accept_weak_fit: bool = False, tell: Tell = unheard
) -> Balances:
    """The balances between a group of channels and all others under the rules of a scenario file."""
    known = curves_of(curves, accept_weak_fit)
    wanted = question(scenario, known)
    if not 2 <= count <= MOST:
        raise InputError(f"{count} balances: 2 to {MOST} are needed; correct --points")
    found = balances(known, wanted, against, count, asked_money(known, wanted), tell)
    return replace(found, warnings=fit_doubts(curves))


def write_explored(folder: Path, found: Frontier | Balances) -> None:
    """Write frontier.json, frontier.csv and charts.json, or the same of balances: all of them or none."""
    name = "frontier" if isinstance(found, Frontier) else "balances"
    if isinstance(found, Frontier):
        document, table = frontier_document(found), frontier_rows(found)
    else:
        document, table = balances_document(found), balance_rows(found)
    names = [f"{name}.csv", "charts.json", f"{name}.json"]
    with whole_folder(folder, names, names[-1]) as place:
        write_csv(place / names[0], *table)
        write_json(place / names[1], charts_document(found))
        write_json(place / names[2], document)
