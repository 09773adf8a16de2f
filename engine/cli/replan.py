"""peso replan: the rest of a plan whose horizon has begun, decided anew."""

from datetime import datetime
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
    quiet_option,
    weak_fit_option,
)


class Day(click.DateTime):
    """A date of the calendar."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day, or what is wrong with it in words."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no date of the calendar; write one as 2027-07-05", param, ctx)


@click.command(short_help="Decide the rest of a year that has begun anew.")
@path_argument("curves")
@path_argument("scenario")
@click.option(
    "--as-of",
    type=Day(["%Y-%m-%d"]),
    metavar="DATE",
    required=True,
    help="First day that can still be decided, as 2027-07-05.",
)
@click.option(
    "--spent",
    type=click.Path(path_type=Path),
    help="What was spent so far: CSV, XLSX or Parquet, a column date and one for each channel, by period or day.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="The plan.json that is carried out: what to compare with; without --spent also what was spent.",
)
@out_option("File for the new plan (plan.json).")
@weak_fit_option
@force_option
@json_option
@quiet_option
def verb(
    curves: Path,
    scenario: Path,
    as_of: datetime,
    spent: Path | None,
    plan: Path | None,
    out: Path | None,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Decide the rest of SCENARIO's horizon anew, with what is over fixed as it was spent.

    \b
    Examples:
      peso replan fit scenario.toml --as-of 2027-07-05 --spent spent.csv --plan plan.json
      peso replan fit scenario.toml --as-of 2027-07-05 --plan plan.json --out new.json
      peso replan fit scenario.toml --as-of 2027-07-05 --spent spent.csv --json

    CURVES is a fit folder or a curves file; SCENARIO decides by quarter or month. Rules, commitments and the
    budget hold for the whole horizon, past and rest together. A rule that what was spent has broken, or put out
    of reach, is eased to what is left and told. Where the budget is spent, or no rest keeps the other rules, the
    conflict is named, the exit code is 4, and nothing is written.
    """
    from engine.files import require_free, write_json
    from engine.study.replan import Today, document, replan
    from engine.study.replan_text import text
    from engine.study.run_files import run_files

    if out:
        require_free(out, force, *run_files(curves), scenario, *[path for path in (spent, plan) if path], form="file")
    found = replan(curves, scenario, Today(as_of.date(), spent, plan), accept_weak_fit)
    if out:
        write_json(out, document(found))
        note(f"plan written to {out}", quiet)
    emit(document(found), text(found), as_json, out)
