"""peso whatif: several scenarios side by side."""

from pathlib import Path

import click

from engine.cli.common import emit, force_option, json_option, note, out_option, path_argument, quiet_option


@click.command(short_help="Answer several scenarios side by side.")
@path_argument("scenarios", nargs=-1, required=True)
@click.option("--fit", type=click.Path(path_type=Path), required=True, help="A fit folder or a curves file.")
@click.option("--base", type=click.Path(path_type=Path), help="Compare with this scenario's plan, not with history.")
@out_option("Folder for one plan file per scenario and comparison.json.")
@click.option("--accept-weak-fit", is_flag=True, help="Plan even with a fit whose health forbids it.")
@force_option
@json_option
@quiet_option
def verb(
    scenarios: tuple[Path, ...],
    fit: Path,
    base: Path | None,
    out: Path | None,
    accept_weak_fit: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Answer each of SCENARIOS with its best plan, beside spending as before or a base of your own.

    \b
    Examples:
      peso whatif cut.toml freeze.toml --fit fit
      peso whatif cut.toml --base plan.toml --fit fit --out answers

    A scenario that no plan can keep is explained beside the others, and the exit code is 4.
    """
    from engine.errors import InfeasibleError
    from engine.files import require_free, write_json
    from engine.optimize.compare import file_name
    from engine.optimize.plan_file import comparison_document, write_plan
    from engine.report.answer import comparison_text
    from engine.study.ask import what_if
    from engine.words import plain

    if out:
        require_free(out, force, fit, *scenarios)
    answers = what_if(fit, list(scenarios), base, accept_weak_fit)
    document = comparison_document(answers)
    if out:
        for answer in answers:
            if answer.plan:
                write_plan(out / f"{file_name(answer.name)}.json", answer.plan)
        write_json(out / "comparison.json", document)
        note(f"answers written to {out}", quiet)
    emit(document, comparison_text(answers), as_json)
    refused = [plain(answer.name) for answer in answers if answer.plan is None]
    if refused:
        raise InfeasibleError(f"no plan for {', '.join(refused)}; the reason stands beside each above")
