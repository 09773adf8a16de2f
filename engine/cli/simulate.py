"""`peso simulate`: a market whose truth is known."""

from pathlib import Path

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

LOGGED = 10_000  # people whose touches are logged where nothing else is said


def factors(
    _context: click.Context, option: click.Parameter, written: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    """`channel=factor` as a pair, for each time the option is given.

    Raises:
        BadParameter: It is not written that way.
    """
    pairs = []
    for text in written:
        name, sign, factor = text.rpartition("=")
        try:
            number = float(factor)
        except ValueError:
            number = -1.0
        if not (name and sign and 0 <= number <= 1000):
            raise click.BadParameter(f"{text!r}: write channel=factor, such as tv=0 or search=1.1", param=option)
        pairs.append((name, number))
    return tuple(pairs)


def _logged(people: int | None, touches: int | None, out: Path | None) -> int:
    """How many people's touches are logged; a log needs Parquet, which is asked for before any work."""
    from engine.data.columnar import require_parquet

    logged = touches if touches is not None else min(people, LOGGED) if people and out else 0
    if logged:
        require_parquet()
    return logged


def _require_use(people: int | None, touches: int | None, out: Path | None, mean: bool) -> None:
    """Refuse, or at least tell, what is asked for and would come to nothing."""
    if touches and not out:
        raise click.UsageError("--touches writes a file: say where with --out")
    if people and mean and not out:
        note("--people changes nothing here: the mean knows nobody; ask for --out, or for another --engine")


@click.command("simulate")
@path_argument("market")
@click.option(
    "--weeks",
    type=click.IntRange(8, 1040),
    default=156,
    show_default=True,
    help="Length of the history; a plan and tails come after it.",
)
@click.option(
    "--engine",
    type=click.Choice(["mean", "noise", "agents", "events"]),
    default="mean",
    show_default=True,
    help="mean: no luck, exact for many people; noise: with bands of luck; agents: people one by one; "
    "events: a few people on clocks.",
)
@click.option(
    "--people",
    type=int,
    help="agents and events: how many are simulated [default: 1,000,000 and 2,000, or all there are]; noise: whose "
    "luck is told [default: all]. With --out and any engine, a panel of them is logged.",
)
@click.option(
    "--touches",
    type=click.IntRange(0),
    help=f"People whose touches are logged in --out; needs the extra [parquet]. "
    f"[default: at most {LOGGED:,} of --people, else 0]",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="A plan.json (of peso optimize) to play; it must start where the history ends.",
)
@click.option(
    "--counterfactual",
    "instead",
    multiple=True,
    callback=factors,
    metavar="CHANNEL=FACTOR",
    help="What if this channel's money had been multiplied by FACTOR, with the same luck? 0 takes it out; each one "
    "given is a run of its own.",
)
@seed_option
@device_option
@out_option(
    "Folder for panel.csv and model.toml (what an analyst sees), truth.json, funnel.csv, manifest.json and, where "
    "there are any, lift_tests.csv, touches.parquet and paths.csv."
)
@force_option
@json_option
@quiet_option
def verb(
    market: Path,
    weeks: int,
    engine: str,
    people: int | None,
    touches: int | None,
    plan: Path | None,
    instead: tuple[tuple[str, float], ...],
    seed: int,
    device: str,
    out: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate a MARKET whose truth is known: a file, or the bare name of a market that comes along.

    \b
    Examples:
      peso simulate online_retail
      peso simulate packaged_goods --weeks 208 --seed 7 --out world
      peso simulate b2b_software --engine noise
      peso simulate online_retail --engine agents --people 1000000 --counterfactual tv=0
      peso simulate online_retail --plan plan.json
      peso simulate my_market.toml --people 20000 --out world --json

    Every engine follows one law. Figures of the truth are always those of `mean`; agents and events add the luck of
    single people. With --plan, its weeks follow the history, and what it earns stands beside what it promised.

    \b
    Takes 10 to 40 seconds on two cores, first compilation included.
    """
    from engine.config.loading import load
    from engine.config.market import Market
    from engine.config.samples import sample
    from engine.files import require_free
    from engine.study.imagine import How, imagine, truth_document, write_world
    from engine.study.replay import read_schedule
    from engine.study.world_text import run_document, world_text

    _require_use(people, touches, out, engine == "mean" and not quiet)
    if out:
        require_free(out, force, form="folder")
    logged = _logged(people, touches, out)
    written = load(sample("configs", market), Market)
    schedule = read_schedule(plan) if plan else None
    choose_device(device, people if engine == "agents" and people else 0)
    with progress("simulate", quiet) as tell:
        tell(f"{weeks} weeks of {written.name}")
        imagined = imagine(written, weeks, seed, How(engine, people, logged, schedule, instead, tell))
        if out:
            tell("writing files")
            write_world(out, imagined)
    if out:
        note(f"wrote {out}", quiet)
    emit({**truth_document(imagined), **run_document(imagined)}, world_text(imagined), as_json, out)
