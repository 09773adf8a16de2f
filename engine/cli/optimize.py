"""peso optimize: the best budget under the rules of a scenario, with proof."""

from pathlib import Path

import click

from engine.cli.common import emit, force_option, json_option, note, out_option, path_argument, quiet_option


@click.command(short_help="Find the best budget under the rules of a scenario, with proof.")
@path_argument("curves")
@path_argument("scenario")
@out_option("File for the plan (plan.json).")
@click.option("--accept-weak-fit", is_flag=True, help="Plan even with a fit whose health forbids it.")
@force_option
@json_option
@quiet_option
def verb(
    curves: Path, scenario: Path, out: Path | None, accept_weak_fit: bool, force: bool, as_json: bool, quiet: bool
) -> None:
    """Find the best split of a budget under the rules of SCENARIO, with value, bound and gap.

    \b
    Examples:
      peso optimize fit scenario.toml
      peso optimize fit scenario.toml --out plan.json
      peso optimize curves.json scenario.toml --json

    CURVES is a fit folder or a curves file; SCENARIO is a TOML file. Where no plan keeps every rule, the
    rules in conflict and the cheapest ways out are named, the exit code is 4, and nothing is written.
    """
    from engine.errors import InputError
    from engine.files import require_free
    from engine.optimize.plan_file import plan_document, write_plan
    from engine.report.answer import plan_text
    from engine.study.ask import plan

    if out:
        require_free(out, force, curves, scenario)
        if out.is_dir():
            raise InputError(f"{out}: is a folder, a file is needed; name a file inside it")
    answer = plan(curves, scenario, accept_weak_fit)
    if out:
        write_plan(out, answer)
        note(f"plan written to {out}", quiet)
    emit(plan_document(answer), plan_text(answer), as_json)
