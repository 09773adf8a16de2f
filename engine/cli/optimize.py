"""peso optimize: the best budget under the rules of a scenario, with proof."""

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


@click.command(short_help="Find the best budget under the rules of a scenario, with proof.")
@path_argument("curves")
@path_argument("scenario")
@out_option("File for the plan (plan.json).")
@click.option("--explain", is_flag=True, help="Say also why, how sure, what would change it, what to test.")
@click.option("--prove", is_flag=True, help="Replace an estimated bound by a proof; may take many minutes.")
@weak_fit_option
@force_option
@json_option
@quiet_option
def verb(
    curves: Path,
    scenario: Path,
    out: Path | None,
    explain: bool,
    prove: bool,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the best split of a budget under the rules of SCENARIO, with value, bound and gap.

    \b
    Examples:
      peso optimize fit scenario.toml
      peso optimize fit scenario.toml --out plan.json
      peso optimize fit scenario.toml --explain
      peso optimize fit quarters.toml --prove
      peso optimize curves.json scenario.toml --json

    CURVES is a fit folder or a curves file; SCENARIO is a TOML file. Where no plan keeps every rule, the
    rules in conflict and the cheapest ways out are named, the exit code is 4, and nothing is written.

    With --explain, the question is asked again many times, each time a little differently: with one channel better or
    worse, without one rule, with less prudence, with one response known. That takes seconds, of several decisions more.

    A plan by quarter or month with S-shaped curves has a proven bound where that is quick, else an estimate that is
    called one; --prove asks for the proof, which may take many minutes. What a plan is compared with is history's split
    of its money, in the scenario's own world; `peso whatif` compares with history's own money instead.
    """
    from engine.files import require_free
    from engine.optimize.plan_file import plan_document, write_plan
    from engine.report.answer import plan_text
    from engine.study.ask import plan
    from engine.study.run_files import run_files

    if out:
        require_free(out, force, *run_files(curves), scenario, form="file")
    if prove:
        note("proving, which may take many minutes", quiet)
    with progress("proving" if prove else "planning", quiet) as tell:
        answer = plan(curves, scenario, accept_weak_fit, prove, tell)
    document, text = plan_document(answer), plan_text(answer)
    if out:
        write_plan(out, answer)
        note(f"plan written to {out}", quiet)
    if explain:
        with progress("explaining", quiet):
            why, told = _explained(curves, scenario, accept_weak_fit, answer)
        document, text = {**document, "explanation": why}, f"{text}\n\n{told}"
    emit(document, text, as_json, out)


def _explained(curves: Path, scenario: Path, accept_weak_fit: bool, answer: Any) -> tuple[dict[str, Any], str]:
    """The reasons of a plan, as a document and as text."""
    from engine.optimize.explaining import explained, explanation_document
    from engine.report.explaining import explanation_text
    from engine.study.ask import curves_of
    from engine.study.question import question

    known = curves_of(curves, accept_weak_fit)
    found = explained(known, question(scenario, known), answer)
    return explanation_document(found), explanation_text(answer, found)
