"""`peso calibrate`: turn spend and outcome history into response curves with honest bands."""

from pathlib import Path
from typing import Literal

import click

from engine.cli.common import (
    choose_device,
    device_option,
    emit,
    force_option,
    json_option,
    model_beside,
    note,
    out_option,
    path_argument,
    progress,
    quiet_option,
    seed_option,
)
from engine.errors import InputError


@click.command("calibrate")
@path_argument("data")
@click.option(
    "--model", type=click.Path(path_type=Path), help="What the columns mean; model.toml beside DATA if absent."
)
@out_option("Folder for the fit: curves, health, contributions, manifest.", required=True)
@click.option(
    "--speed",
    type=click.Choice(["fast", "nuts"]),
    default="fast",
    show_default=True,
    help="fast: seconds, modes and weighted draws; nuts: minutes, no-U-turn chains.",
)
@click.option(
    "--draws", type=click.IntRange(20, 20_000), default=500, show_default=True, help="Joint draws in the curves."
)
@seed_option
@device_option
@force_option
@json_option
@quiet_option
def verb(
    data: Path,
    model: Path | None,
    out: Path,
    speed: Literal["fast", "nuts"],
    draws: int,
    seed: int,
    device: str,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Turn the history in DATA (CSV, XLSX or Parquet) into response curves, with a verdict on the fit.

    \b
    Examples:
      peso calibrate sales.csv --model model.toml --out fit
      peso calibrate sales.csv --model model.toml --out fit --speed nuts --draws 1000

    A fit whose health is bad is written all the same; `peso optimize` refuses it until told otherwise.
    """
    from engine.files import require_free
    from engine.study.learn import as_text, document, learn, write_fit

    require_free(out, force, data, *([model] if model else []))
    if out.is_file():
        raise InputError(f"{out}: is a file, a folder is needed; choose another --out")
    choose_device(device)
    with progress(f"calibrating ({speed}, seed {seed})", quiet):
        fit = learn(data, model or model_beside(data), speed, seed, draws)
    write_fit(out, fit)
    note(f"fit written to {out} (seed {seed}, {fit.settings['seconds']:.1f} s)", quiet)
    emit(document(fit), as_text(fit), as_json)
