"""`peso init`: a working sample project."""

from pathlib import Path

import click

from engine.cli.common import emit, json_option, path_argument, seed_option


@click.command("init")
@path_argument("folder", default=Path("peso-sample"))
@seed_option
@click.option("--force", is_flag=True, help="Replace files of the same names in FOLDER.")
@json_option
def verb(folder: Path, seed: int, force: bool, as_json: bool) -> None:
    """Write a working sample project into FOLDER: a table of history, its model file and scenarios.

    \b
    Examples:
      peso init                into the folder peso-sample
      peso init acme           into a folder of your choice
      peso init . --force      here, beside what is already here

    The scenarios are best_split, cut_15_percent, tv_frozen_to_july and earned_tenth, and stress_cut_from_july for peso
    stress; README.md lists more. The history is simulated, so nothing in it is anybody's data; put your own table in
    its place.
    """
    import jax

    jax.config.update("jax_platforms", "cpu")  # the same bytes on every machine
    from engine.study import setup

    project = setup.write_project(folder, seed, force)
    emit(setup.document(project), setup.text(project), as_json, folder)
