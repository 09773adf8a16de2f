"""peso demo: the whole line on an embedded market."""

from pathlib import Path

import click

from engine.cli.common import emit, force_option, json_option, note, out_option, progress, quiet_option, seed_option


@click.command(short_help="From a simulated market to a judged plan, in one go.")
@out_option("Folder for world/ and fit/; a temporary one if not given.")
@force_option
@seed_option
@json_option
@quiet_option
def verb(out: Path | None, force: bool, seed: int, as_json: bool, quiet: bool) -> None:
    """Simulate a market, calibrate what an analyst would see of it, plan, and judge the plan by the truth.

    \b
    Examples:
      peso demo
      peso demo --out peso-demo      keep the history, the model and the fit
      peso demo --seed 7 --json

    Takes about half a minute on two cores, first compilation included.
    """
    from tempfile import TemporaryDirectory

    from engine.files import require_free
    from engine.study.demo import demo_document, demo_text, demonstrate

    if out:
        require_free(out, force, form="folder")
    with TemporaryDirectory(prefix="peso-demo-") as scratch, progress("peso demo", quiet) as tell:
        demo = demonstrate(out or Path(scratch), seed, tell)
    emit(demo_document(demo), demo_text(demo), as_json, out)
    if out:
        note(f"world and fit written to {out} (seed {seed})", quiet)
