"""peso track: a plan beside what really happened."""

from pathlib import Path

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


@click.command(short_help="Say whether a plan is on course, why not, and where its year ends.")
@path_argument("plan")
@path_argument("actuals")
@click.option(
    "--fit",
    type=click.Path(path_type=Path),
    help="The curves of the plan, a fit folder or a curves file; without them spend alone is told.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="The scenario of the plan: prices and effects that it expects, and what to re-plan.",
)
@click.option(
    "--band",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the plan by which spend and outcome may be off before a new plan is called for.",
)
@click.option(
    "--doubt",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.02,
    show_default=True,
    help="Share by which the baseline, or what was attributed, may be off in all.",
)
@out_option("File for what was found (peso.track/1).")
@weak_fit_option
@force_option
@json_option
@quiet_option
def verb(
    plan: Path,
    actuals: Path,
    fit: Path | None,
    scenario: Path | None,
    band: float,
    doubt: float,
    out: Path | None,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say whether PLAN is on course by what ACTUALS tells, why not, and where its horizon ends.

    \b
    Examples:
      peso track plan.json actuals.csv
      peso track plan.json actuals.csv --fit fit --scenario scenario.toml
      peso track plan.json actuals.csv --fit fit --band 0.1 --json

    PLAN is a plan.json; ACTUALS is CSV, XLSX or Parquet, with a row for each period or each day from the start of
    the plan on: a column date and one for each channel with what was spent; where they are known also
    CHANNEL.contacts with CHANNEL.planned_price (of one contact), and CHANNEL.outcome for every channel, or outcome
    with baseline (what would have come without them). The exit code is 0 on plan and off; --json has "fires".
    """
    from engine.files import require_free, write_json
    from engine.study.run_files import run_files
    from engine.study.track import Asked, document, track
    from engine.study.track_text import text

    if out:
        require_free(
            out, force, plan, actuals, *([scenario] if scenario else []), *(run_files(fit) if fit else []), form="file"
        )
    found = track(Asked(plan, actuals, fit, scenario, band, doubt, accept_weak_fit))
    try:
        if out:
            write_json(out, document(found))
            note(f"written to {out}", quiet)
    finally:  # where --out cannot be written, the answer is told all the same
        emit(document(found), text(found), as_json, out)
