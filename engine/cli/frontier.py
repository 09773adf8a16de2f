"""peso frontier: the best plan of every budget, or of every balance between two goals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine.cli.common import (
    emit,
    force_option,
    json_option,
    note,
    out_option,
    path_argument,
    progress,
    quiet_option,
    weak_fit_option,
)

Found = tuple[Any, dict[str, Any], str, Callable[[Path, Any], None]]  # as it is, a document, a text; how it is written


@click.command(short_help="Show what every budget brings, or what one goal costs another.")
@path_argument("curves")
@path_argument("scenario")
@click.option("--from", "first", type=float, help="Least budget, as a multiple of the scenario's.  [default: 0.5]")
@click.option("--to", "last", type=float, help="Largest budget.  [default: 1.5]")
@click.option("--money", "is_money", is_flag=True, help="--from and --to are money, not multiples.")
@click.option("--points", type=int, default=21, show_default=True, help="How many plans, 2 to 500.")
@click.option(
    "--against",
    metavar="GROUP",
    help="Balances of one budget between a group, kind, role, channel with parts or 'slow' and all others.",
)
@click.option(
    "--between",
    nargs=2,
    metavar="outcome brand",
    help="Plans from the most outcome within the horizon to the most that is left working after it.",
)
@click.option(
    "--risk", type=click.Choice(["cvar"]), help="Plans from the best mean to the best mean of the worst draws."
)
@out_option("Folder for frontier.json (balances.json, trades.json), the same as .csv, and charts.json.")
@weak_fit_option
@force_option
@json_option
@quiet_option
def verb(
    curves: Path,
    scenario: Path,
    first: float | None,
    last: float | None,
    is_money: bool,
    points: int,
    against: str | None,
    between: tuple[str, str] | None,
    risk: str | None,
    out: Path | None,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what the best plan of each budget brings under the rules of SCENARIO, each with its bound.

    \b
    Examples:
      peso frontier fit scenario.toml
      peso frontier fit scenario.toml --from 0.8 --to 2 --points 13 --out answers
      peso frontier fit scenario.toml --from 2e6 --to 5e6 --money
      peso frontier fit scenario.toml --against earned
      peso frontier fit scenario.toml --between outcome brand --points 11
      peso frontier fit scenario.toml --risk cvar --points 11

    Told are spend by channel, outcome with its range, the average return and that of the next unit of money, and the
    budgets up to which money pays. With --against, the scenario's budget is stepped from all that can go to other
    channels to all that can go to GROUP: what does more of the one goal cost of the other? --between and --risk weigh
    two goals of all channels against each other instead: each row is the best plan of its weights.
    """
    from engine.files import require_free

    if out:
        require_free(out, force, curves, scenario, form="folder")
    _require_sense({"--from": first, "--to": last, "--money": is_money or None}, (against, between, risk))
    asked = (curves, scenario, accept_weak_fit)
    with progress("planning", quiet) as tell:
        if between is not None or risk is not None:
            found, document, text, write = _traded(asked, risk is not None, points, tell)
        elif against is not None:
            found, document, text, write = _weighed(asked, against, points, tell)
        else:
            ends = (0.5 if first is None else first, 1.5 if last is None else last)
            found, document, text, write = _swept(asked, (*ends, points, is_money), tell)
    if out:
        write(out, found)
        note(f"answers written to {out}", quiet)
    emit(document, text, as_json, out)


def _require_sense(ends: dict[str, Any], asked: tuple[str | None, tuple[str, str] | None, str | None]) -> None:
    """Refuse options that say nothing together, and goals that are not known."""
    _, between, _ = asked
    ways = [name for name, given in zip(("--against", "--between", "--risk"), asked, strict=True) if given is not None]
    if len(ways) > 1:
        raise click.UsageError(f"{' and '.join(ways)} are questions of their own; ask one of them")
    if between is not None and between != ("outcome", "brand"):
        raise click.UsageError(f"--between {' '.join(between)}: the goals are outcome brand, in this order")
    if ways and any(given is not None for given in ends.values()):
        raise click.UsageError(f"{ways[0]} steps through one budget, so {', '.join(ends)} say nothing beside it")
    if ends["--money"] and (ends["--from"] is None or ends["--to"] is None):
        raise click.UsageError("--money says that --from and --to are money; give both")


def _swept(asked: tuple[Path, Path, bool], sweep: tuple[float, float, int, bool], tell: Callable[[str], None]) -> Found:
    from engine.report.frontier import frontier_document, frontier_text
    from engine.study.explore import Sweep, explore, write_explored

    curves, scenario, accept_weak_fit = asked
    found = explore(curves, scenario, Sweep(*sweep), accept_weak_fit, tell)
    return found, frontier_document(found), frontier_text(found), write_explored


def _weighed(asked: tuple[Path, Path, bool], against: str, points: int, tell: Callable[[str], None]) -> Found:
    from engine.report.frontier import balances_document, balances_text
    from engine.study.explore import weigh, write_explored

    curves, scenario, accept_weak_fit = asked
    found = weigh(curves, scenario, against, points, accept_weak_fit, tell)
    return found, balances_document(found), balances_text(found), write_explored


def _traded(asked: tuple[Path, Path, bool], is_risk: bool, points: int, tell: Callable[[str], None]) -> Found:
    from engine.report.trade import trades_document, trades_text
    from engine.study.trade import trade_brand, trade_safety, write_trades

    found = (trade_safety if is_risk else trade_brand)(asked, points, tell)
    return found, trades_document(found), trades_text(found), write_trades
