"""`peso calibrate`: turn spend and outcome history into response curves with honest bands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

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

Speed = Literal["fast", "nuts", "search"]
TRIALS = 30


@click.command("calibrate")
@path_argument("data")
@click.option(
    "--model", type=click.Path(path_type=Path), help="What the columns mean; model.toml beside DATA if absent."
)
@out_option("Folder for the fit: curves, charts, health, contributions, manifest. Only --prior-only can do without.")
@click.option(
    "--speed",
    type=click.Choice(["fast", "nuts", "search"]),
    default="fast",
    show_default=True,
    help="fast: seconds, modes and weighted draws; nuts: minutes, no-U-turn chains; search: minutes, many "
    "structures (families, trend, season) compared by their forecasts, the best one fitted fast.",
)
@click.option(
    "--trials", type=click.IntRange(1, 10_000), help=f"search: structures to try in all.  [default: {TRIALS}]"
)
@click.option("--prior-only", is_flag=True, help="Tell what is believed before the outcome is looked at; no fit.")
@click.option(
    "--draws", type=click.IntRange(20, 20_000), default=500, show_default=True, help="Joint draws in the curves."
)
@click.option("--by-geo", is_flag=True, help="Write curves_by_geo.json too: each channel's curve in each geo.")
@seed_option
@device_option
@force_option
@json_option
@quiet_option
def verb(
    data: Path,
    model: Path | None,
    out: Path | None,
    speed: Speed,
    trials: int | None,
    prior_only: bool,
    draws: int,
    by_geo: bool,
    seed: int,
    device: str,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Turn the history in DATA (CSV, XLSX or Parquet) into response curves, with a verdict on the fit.

    \b
    Examples:
      peso calibrate sales.csv --model model.toml --prior-only
      peso calibrate sales.csv --model model.toml --out fit
      peso calibrate sales.csv --model model.toml --out fit --speed nuts --draws 1000
      peso calibrate sales.csv --model model.toml --out fit --speed search --trials 60
      peso calibrate regions.csv --model model.toml --out fit --by-geo

    A fit whose health is bad is written all the same; `peso optimize` refuses it until told otherwise. A search
    is kept trial by trial: after an interruption (exit code 7) the same command goes on from there.
    """
    _require_sense(out, speed, trials, prior_only)
    if by_geo and prior_only:
        raise click.UsageError("--by-geo is for a fit, and --prior-only makes none; leave one out")
    if out:
        _require_place(out, force or (speed == "search" and _holds_only_a_search(out)), data, model)
    choose_device(device)
    meaning = model or model_beside(data)
    if by_geo:
        _require_geos(data, meaning)
    if prior_only:
        told, text = _believe(data, meaning, out, seed, draws)
    elif out:
        with progress(f"calibrating ({speed}, seed {seed})", quiet) as tell:
            if speed == "search":
                told, text, seconds = _search(data, meaning, (out, by_geo), (trials or TRIALS, seed, draws), tell)
            else:
                told, text, seconds = _learn(data, meaning, (out, by_geo), (speed, seed, draws))
        note(f"fit written to {out} (seed {seed}, {seconds:.1f} s)", quiet)
    emit(told, text, as_json, out)


def _require_sense(out: Path | None, speed: Speed, trials: int | None, prior_only: bool) -> None:
    """Refuse options that say nothing together."""
    if prior_only and speed != "fast":
        raise click.UsageError(f"--prior-only fits nothing, so --speed {speed} says nothing beside it; leave one out")
    if out is None and not prior_only:
        raise click.UsageError("Missing option '--out': say where the fit goes, or ask for --prior-only")
    if trials is not None and speed != "search":
        raise click.UsageError("--trials is for --speed search; leave it out, or ask for a search")


def _require_place(out: Path, force: bool, data: Path, model: Path | None) -> None:
    """Refuse a folder that is in use, no folder, or one whose files are what is asked about.

    Raises:
        InputError: With what is there.
    """
    from engine.files import require_free
    from engine.study.learn import FILES

    given = [data, *([model] if model else [])]
    require_free(out, force, *given, form="folder")
    for name in FILES:
        require_free(out / name, True, *given)


def _holds_only_a_search(out: Path) -> bool:
    """Whether an interrupted search, and nothing else but writing that was cut off, is in the folder."""
    from engine.study.seek import STUDY

    return out.is_dir() and [path.name for path in out.iterdir() if path.suffix != ".part"] == [STUDY]


def _require_geos(data: Path, model: Path) -> None:
    from engine.study.learn import require_geos

    require_geos(data, model)


def _believe(data: Path, model: Path, out: Path | None, seed: int, draws: int) -> tuple[dict[str, Any], str]:
    from engine.study.believe import belief_document, belief_text, believe, write_belief

    belief = believe(data, model, seed, draws)
    if out:
        write_belief(out, belief)
    return belief_document(belief), belief_text(belief)


def _learn(
    data: Path, model: Path, place: tuple[Path, bool], asked: tuple[Literal["fast", "nuts"], int, int]
) -> tuple[dict[str, Any], str, float]:
    from engine.study.learn import as_text, document, learn, write_fit

    fit = learn(data, model, *asked, place[0])
    write_fit(place[0], fit, by_geo=place[1])
    return document(fit), as_text(fit), float(fit.settings["seconds"])


def _search(
    data: Path, model: Path, place: tuple[Path, bool], asked: tuple[int, int, int], tell: Callable[[str], None]
) -> tuple[dict[str, Any], str, float]:
    from engine.study.learn import as_text, document, write_fit
    from engine.study.seek import Effort, search_text, seek

    fit = seek(data, model, place[0], Effort(*asked), tell)
    write_fit(place[0], fit, by_geo=place[1])
    return document(fit), f"{as_text(fit)}\n\n{search_text(fit)}", float(fit.settings["seconds"])
