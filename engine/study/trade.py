"""What one goal costs another under the rules of a scenario file: outcome against brand, or mean against safety."""

from dataclasses import replace
from pathlib import Path

from engine.errors import InputError
from engine.files import whole_folder, write_csv, write_json
from engine.optimize.budgets.brand import between, lasting
from engine.optimize.budgets.frontier import Tell, asked_money
from engine.optimize.budgets.trade import Trades
from engine.optimize.risk.safety import safety
from engine.report.charts.trade import charts_document
from engine.report.trade import trade_rows, trades_document
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.question import question

MOST = 500  # plans: each is a question of its own


def trade_brand(asked: tuple[Path, Path, bool], count: int, tell: Tell) -> Trades:
    """The plans between outcome within the horizon and brand.

    Args:
        asked: Curves or a fit, a scenario, and whether a fit whose health forbids planning is taken all the same.
        count: How many weights.
        tell: Is told how far the work is.
    """
    _require_count(count)
    known = curves_of(asked[0], asked[2])
    wanted = question(asked[1], known)
    found = between(known, wanted, count, asked_money(known, lasting(wanted)), tell)
    return replace(found, warnings=fit_doubts(asked[0]))


def trade_safety(asked: tuple[Path, Path, bool], count: int, tell: Tell) -> Trades:
    """The plans between the mean and that of the worst draws; for the arguments see `trade_brand`."""
    _require_count(count)
    known = curves_of(asked[0], asked[2])
    wanted = question(asked[1], known)
    found = safety(known, wanted, count, asked_money(known, wanted), tell)
    return replace(found, warnings=fit_doubts(asked[0]))


def _require_count(count: int) -> None:
    if not 2 <= count <= MOST:
        raise InputError(f"{count} plans between two goals: 2 to {MOST} are needed; correct --points")


def write_trades(folder: Path, found: Trades) -> None:
    """Write trades.json, trades.csv and charts.json: all of them or none."""
    names = ["trades.csv", "charts.json", "trades.json"]
    with whole_folder(folder, names, names[-1]) as place:
        write_csv(place / names[0], *trade_rows(found))
        write_json(place / names[1], charts_document(found))
        write_json(place / names[2], trades_document(found))
