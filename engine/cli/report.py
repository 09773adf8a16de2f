"""peso report: what a CMO opens, as one file."""

from pathlib import Path

import click

from engine.cli.common import PATH, emit, force_option, json_option, note, out_option, progress, quiet_option


@click.command(short_help="Write what was asked and answered as one page for people.")
@click.argument("runs", type=PATH, nargs=-1, required=True, metavar="RUN...")
@out_option("The page: one HTML file that needs no network.")
@click.option("--workbook", type=PATH, help="File.xlsx for finance: the plans, with live formulas on all draws.")
@click.option("--charts", type=PATH, help="Folder for each chart as SVG, PNG and PDF, and each table as CSV.")
@force_option
@json_option
@quiet_option
def verb(
    runs: tuple[Path, ...],
    out: Path | None,
    workbook: Path | None,
    charts: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a page of RUNs: the folder of a fit, plans, the folders of a stress test, a frontier, a simulated market.

    \b
    Examples:
      peso report fit plan.json --out report.html
      peso report fit plan.json cut.json stress frontier world --out report.html
      peso report fit plan.json --workbook plan.xlsx
      peso report fit plan.json --charts charts

    The first plan is the one that is decided upon; further plans are compared with it. The page opens in any browser
    without a network, prints, and says at its end what else could be added. In the workbook money can be typed in: it
    reckons by itself, to the engine's figures. Page and charts need the extra [report].
    """
    from engine.report.page.needed import require_packages

    if out is None and charts is None and workbook is None:
        raise click.UsageError("nothing to write; give --out FILE.html, --workbook FILE.xlsx or --charts FOLDER")
    if out or charts:
        require_packages()
    with progress("report", quiet) as tell:
        tell("reading")
        from engine.study.report import read_report, require_places, write_book, write_charts, write_page

        require_places(runs, {"--out": out, "--workbook": workbook}, charts, force)
        made = read_report(runs)
    if out:
        with progress("report", quiet) as tell:  # each is told as it is written, on a line that progress has left
            tell("drawing the page")
            size = write_page(made, out)
        note(f"page written to {out} ({size / 1e3:,.0f} kB)", quiet)
    if workbook:
        with progress("report", quiet) as tell:
            tell("writing the workbook")
            size = write_book(made, workbook)
        note(f"workbook written to {workbook} ({size / 1e3:,.0f} kB)", quiet)
    if charts:
        with progress("report", quiet) as tell:
            tell("drawing the charts")
            count = write_charts(made, charts)
        note(f"{count} files written to {charts}", quiet)
    places = {"page": out, "workbook": workbook, "charts": charts}
    emit(made.document(places), made.text(bool(out or charts), bool(workbook)), as_json, out or workbook or charts)
