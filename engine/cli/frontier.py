"""peso frontier: the best plan of every budget, or of every balance between two goals."""

from pathlib import Path
from typing import Any

import click

from engine.cli.common import emit, force_option, json_option, note, out_option, path_argument, quiet_option

Found = tuple[Any, dict[str, Any], str]  # what was found, as a document, and as text


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
    help="Balances of one budget between a group, a kind or 'slow' channels and all others.",
)
@out_option("Folder for frontier.json (or balances.json), the same as .csv, and charts.json.")
@click.option("--accept-weak-fit", is_flag=True, help="Plan even with a fit whose health forbids it.")
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
      peso frontier fit scenario.toml --against brand

    Told are spend by channel, outcome with its range, the average return and that of the next unit of money, and the
    budgets up to which money pays. With --against, the scenario's budget is stepped from all that can go to other
    channels to all that can go to GROUP: what does more of the one goal cost of the other?
    """
    from engine.errors import InputError
    from engine.files import require_free
    from engine.study.explore import write_explored

    if out:
        require_free(out, force, curves, scenario)
        if out.is_file():
            raise InputError(f"{out}: is a file, a folder is needed; choose another --out")
    _require_sense(first, last, is_money, against)
    if against is None:
        ends = (0.5 if first is None else first, 1.5 if last is None else last)
        found, document, text = _swept((curves, scenario, accept_weak_fit), ends, points, is_money)
    else:
        found, document, text = _weighed((curves, scenario, accept_weak_fit), against, points)
    if out:
        write_explored(out, found)
        note(f"answers written to {out}", quiet)
    emit(document, text, as_json)


def _require_sense(first: float | None, last: float | None, is_money: bool, against: str | None) -> None:
    """Refuse options that say nothing together."""
    if against is not None and (first is not None or last is not None or is_money):
        raise click.UsageError("--against steps through one budget, so --from, --to and --money say nothing beside it")
    if is_money and (first is None or last is None):
        raise click.UsageError("--money says that --from and --to are money; give both")


def _swept(asked: tuple[Path, Path, bool], ends: tuple[float, float], points: int, is_money: bool) -> Found:
    from engine.report.frontier import frontier_document, frontier_text
    from engine.study.explore import Sweep, explore

    curves, scenario, accept_weak_fit = asked
    found = explore(curves, scenario, Sweep(*ends, points, is_money), accept_weak_fit)
    return found, frontier_document(found), frontier_text(found)


def _weighed(asked: tuple[Path, Path, bool], against: str, points: int) -> Found:
    from engine.report.frontier import balances_document, balances_text
    from engine.study.explore import weigh

    curves, scenario, accept_weak_fit = asked
    found = weigh(curves, scenario, against, points, accept_weak_fit)
    return found, balances_document(found), balances_text(found)
