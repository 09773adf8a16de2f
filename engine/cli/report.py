"""peso report: what a CMO opens, as one file."""

from pathlib import Path

import click

from engine.cli.common import PATH, emit, force_option, json_option, note, out_option, progress, quiet_option


@click.command(short_help="Write what was asked and answered as one page for people.")
@click.argument("runs", type=PATH, nargs=-1, required=True, metavar="RUN...")
@out_option("The page, one HTML file that needs no network.", required=True)
@force_option
@json_option
@quiet_option
def verb(runs: tuple[Path, ...], out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Write the report of some RUNs: the folder of a fit, plans, a stress test, a frontier, a simulated market.

    \b
    Examples:
      peso report fit plan.json --out report.html
      peso report fit plan.json cut.json stress frontier world --out report.html

    The first plan is the one that is decided upon; further plans are compared with it. The page opens in any browser
    without a network, prints, and says at its end what else could be added.
    """
    from engine.study.report import write_report

    with progress("report", quiet) as tell:
        made = write_report(runs, out, force, tell)
    note(f"report written to {out} ({made.size / 1e3:,.0f} kB)", quiet)
    emit(made.document(out), made.text(), as_json, out)
