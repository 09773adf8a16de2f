"""peso whatif: several scenarios side by side, or one varied by a grid."""

from pathlib import Path

import click

from engine.cli.common import (
    PATH,
    choose_device,
    device_option,
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

COMPARISON = "comparison.json"


@click.command(short_help="Answer several scenarios side by side.")
@path_argument("scenarios", nargs=-1, required=True)
@click.option("--fit", type=click.Path(path_type=Path), required=True, help="A fit folder or a curves file.")
@click.option("--base", type=click.Path(path_type=Path), help="Compare with this scenario's plan, not with history.")
@click.option("--grid", type=click.Path(path_type=Path), help="Vary one scenario by the values or rows of this file.")
@click.option(
    "--page", type=PATH, help="One HTML file that needs no network: a slider for each channel, on one scenario's plan."
)
@out_option("Folder for one plan file per scenario and comparison.json, or for grid.csv and grid.json.")
@weak_fit_option
@device_option
@force_option
@json_option
@quiet_option
def verb(
    scenarios: tuple[Path, ...],
    fit: Path,
    base: Path | None,
    grid: Path | None,
    page: Path | None,
    out: Path | None,
    accept_weak_fit: bool,
    device: str,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Answer each of SCENARIOS with its best plan, beside spending as before or a base of your own.

    \b
    Examples:
      peso whatif cut.toml freeze.toml --fit fit
      peso whatif cut.toml --base plan.toml --fit fit --out answers
      peso whatif plan.toml --grid grid.toml --fit fit --out answers
      peso whatif plan.toml --fit fit --page whatif.html

    Spending as before is history's own money, split and spread evenly as it was, in a world without shocks; so
    scenarios with other budgets have one base. `peso optimize` compares with history's split of its own money.

    A grid varies budgets, and prices and effects by channel, in thousands of rows at once, each compared with the plan
    of the scenario as it stands. Its file holds either values, of which every combination is a row:

    \b
      [budget]
      multiple = [0.8, 0.9, 1.0]           # or total
      [price]
      tv = { from = 0.9, to = 1.2, steps = 4 }
      [effect]
      search = [0.8, 1.0]

    or the rows themselves, one by one, but not both:

    \b
      [[rows]]
      name = "TV dear"
      multiple = 0.9
      price = { tv = 1.2 }

    The page of --page moves money by hand: sliders by channel and quarter, what comes of it with its range, the best
    split of any budget near the plan's. A split can be saved there as a scenario that this verb reads. With several
    decisions it takes some seconds.

    A scenario, or a row, that no plan can keep is told beside the others, and the exit code is 4. In a folder that held
    answers, comparison.json (or grid.json) is missing while they are replaced: where it stands, all are of one run.
    """
    from engine.files import require_free

    if page:
        _write_page(scenarios, page, (fit, accept_weak_fit), (grid or base or out, device), (force, quiet))
        return
    if out:
        require_free(out, force, fit, *scenarios, *[path for path in (base, grid) if path], form="folder")
    if grid is not None:
        if base is not None or len(scenarios) != 1:
            raise click.UsageError(
                "--grid varies one scenario and is compared with it; give one scenario and no --base"
            )
        _answer_grid(scenarios[0], grid, (fit, accept_weak_fit, device), out, (as_json, quiet))
    elif device == "gpu":
        raise click.UsageError("--device gpu goes with --grid: single plans are made on the CPU; leave it out")
    else:
        _answer_each(scenarios, base, (fit, accept_weak_fit), out, (as_json, quiet))


def _write_page(
    scenarios: tuple[Path, ...],
    page: Path,
    curves: tuple[Path, bool],
    beside: tuple[Path | None, str],
    shown: tuple[bool, bool],
) -> None:
    """Write the page on which one scenario's money is moved by hand."""
    from engine.files import PAGES, require_free, require_suffix, write_text
    from engine.study.run_files import run_files

    (fit, accept_weak_fit), (other, device), (force, quiet) = curves, beside, shown
    if len(scenarios) != 1 or other or device == "gpu":
        raise click.UsageError(
            "--page is of one scenario, and goes without --base, --grid, --out and --device gpu; leave them out"
        )
    require_suffix(page, PAGES, "--page")
    require_free(page, force, *run_files(fit), *scenarios, form="file", named="--page")
    from engine.study.whatif_page import whatif_page

    with progress("page", quiet) as tell:
        made = whatif_page(fit, scenarios[0], accept_weak_fit, tell=tell)
    write_text(page, made)
    note(f"page written to {page} ({len(made.encode()) / 1e3:,.0f} kB); open it in a browser", quiet)


def _answer_each(
    scenarios: tuple[Path, ...],
    base: Path | None,
    curves: tuple[Path, bool],
    out: Path | None,
    shown: tuple[bool, bool],
) -> None:
    """Answer scenarios side by side."""
    from engine.errors import InfeasibleError
    from engine.files import require_not_among, whole_folder, write_json
    from engine.optimize.compare import file_name
    from engine.optimize.plan_file import comparison_document, write_plan
    from engine.report.answer import comparison_text
    from engine.study.ask import what_if
    from engine.words import plain

    (fit, accept_weak_fit), (as_json, quiet) = curves, shown
    answers = what_if(fit, list(scenarios), base, accept_weak_fit)
    document = comparison_document(answers)
    if out:
        files = {f"{file_name(answer.name)}.json": answer.plan for answer in answers}
        require_not_among(out, files, fit, *scenarios, *([base] if base else []))
        with whole_folder(out, [*files, COMPARISON], seal=COMPARISON) as folder:
            for name, plan in files.items():
                if plan:
                    write_plan(folder / name, plan)
            write_json(folder / COMPARISON, document)
        note(f"answers written to {out}", quiet)
    emit(document, comparison_text(answers), as_json, out)
    refused = [plain(answer.name) for answer in answers if answer.plan is None]
    if refused:
        raise InfeasibleError(f"no plan for {', '.join(refused)}; the reason stands beside each above")


def _answer_grid(
    scenario: Path, grid: Path, curves: tuple[Path, bool, str], out: Path | None, shown: tuple[bool, bool]
) -> None:
    """Answer every row of a grid."""
    from engine.errors import InfeasibleError
    from engine.files import whole_folder, write_csv, write_json
    from engine.optimize.batch.arrays import NUMPY
    from engine.report.grid import grid_document, grid_header, grid_rows, grid_text, without_plan
    from engine.study.vary import vary

    (fit, accept_weak_fit, device), (as_json, quiet), backend = curves, shown, NUMPY
    if device == "gpu":  # on a CPU numpy answers before a program would be compiled
        choose_device(device)
        from engine.study.accelerate import accelerated

        backend = accelerated()
    found = vary(fit, scenario, grid, accept_weak_fit, backend)
    document = grid_document(found)
    if out:
        with whole_folder(out, ["grid.csv", "grid.json"], seal="grid.json") as folder:
            write_csv(folder / "grid.csv", grid_header(found), grid_rows(found))
            write_json(folder / "grid.json", document)
        note(f"answers written to {out}", quiet)
    emit(document, grid_text(found), as_json, out)
    if refusal := without_plan(found):
        raise InfeasibleError(refusal)
