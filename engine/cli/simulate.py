"""`peso simulate`: a market whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import (
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
    seed_option,
)

if TYPE_CHECKING:
    from engine.study.imagine import Imagined


@click.command("simulate")
@path_argument("market")
@click.option("--weeks", type=click.IntRange(8, 1040), default=156, show_default=True, help="Length of the history.")
@seed_option
@device_option
@out_option("Folder for panel.csv, model.toml, funnel.csv, truth.json and manifest.json.")
@force_option
@json_option
@quiet_option
def verb(
    market: Path, weeks: int, seed: int, device: str, out: Path | None, force: bool, as_json: bool, quiet: bool
) -> None:
    """Simulate a MARKET whose truth is known: a file, or the bare name of a market that comes along.

    \b
    Examples:
      peso simulate online_retail
      peso simulate packaged_goods --weeks 208 --seed 7 --out world
      peso simulate my_market.toml --json
    """
    from engine.config.loading import load
    from engine.config.market import Market
    from engine.config.samples import sample
    from engine.files import require_free
    from engine.study.imagine import imagine, truth_document, write_world

    if out:
        require_free(out, force)
    written = load(sample("configs", market), Market)
    choose_device(device)
    with progress("simulate", quiet) as tell:
        tell(f"{weeks} weeks of {written.name}")
        imagined = imagine(written, weeks, seed)
    if out:
        write_world(out, imagined)
        note(f"wrote {out}", quiet)
    emit({**truth_document(imagined), "seed": seed}, describe(imagined), as_json)


def describe(imagined: "Imagined") -> str:
    """The answer for people: one sentence, the stage funnel, and what each channel truly did."""
    from engine.words import money, number, percent, table

    known, world = imagined.truth, imagined.world
    without = known.baseline / known.revenue
    best = int(known.marginal_roas.argmax())
    first = (
        f"{world.name}, {len(imagined.spend)} weeks (seed {imagined.seed}): {percent(1 - without)} of "
        f"{money(known.revenue, world.currency)} revenue would not have come without "
        f"{money(float(known.spend.sum()), world.currency)} of marketing; the next {world.currency} brings "
        f"most in {world.channels[best]} ({number(float(known.marginal_roas[best]))})."
    )
    rows = [
        [
            name,
            world.kinds[index],
            money(float(known.spend[index]), world.currency),
            money(float(known.incremental[index]), world.currency),
            number(float(known.roas[index])),
            number(float(known.marginal_roas[index])),
        ]
        for index, name in enumerate(world.channels)
    ]
    header = ["channel", "kind", "spend", "incremental revenue", "ROAS", "marginal ROAS"]
    return "\n\n".join([first, table(*_stages(imagined)), table(header, rows)])


def _stages(imagined: "Imagined") -> tuple[list[str], list[list[str]]]:
    """Header and rows of the stage funnel: people at the start and the end, and who entered in a mean week."""
    import numpy as np

    from engine.simulate.stages import CALLED
    from engine.words import number

    ladder = imagined.world.ladder
    population = float(imagined.world.population)
    before = np.asarray(imagined.world.start.people).sum(axis=0) * population
    after = np.asarray(imagined.trajectory.end.people).sum(axis=0) * population
    moves = np.asarray(imagined.trajectory.flows).sum(axis=1)[:, :-1]
    entered: Any = (moves @ np.maximum(ladder.change, 0)).mean(axis=0)
    rows = [
        [stage, CALLED[stage]["funnel"], *(number(float(figures[index])) for figures in (before, after, entered))]
        for index, stage in enumerate(ladder.stages)
    ]
    return ["stage", "also called", "people at start", "at end", "entered a week"], rows
