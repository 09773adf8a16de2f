"""`peso check`: say what a table of history can and cannot tell."""

from pathlib import Path

import click

from engine.cli.common import emit, json_option, note, path_argument
from engine.errors import InputError


@click.command("check")
@path_argument("data")
@click.option(
    "--model", type=click.Path(path_type=Path), help="What the columns mean; model.toml beside DATA if absent."
)
@json_option
def verb(data: Path, model: Path | None, as_json: bool) -> None:
    """Say what the history in DATA (CSV, XLSX or Parquet) can and cannot tell.

    \b
    Examples:
      peso check sales.csv --model model.toml
      peso check world/panel.csv --json

    A table that is wrong is refused (exit code 3) with file, line, column, reason and remedy.
    """
    from engine.study.inspect import as_text, inspect

    inspection = inspect(data, model or _beside(data))
    emit(inspection.document(), as_text(inspection), as_json)


def _beside(data: Path) -> Path:
    """The model.toml in the folder of the data."""
    model = data.parent / "model.toml"
    if not model.is_file():
        raise InputError(
            f"{data}: no --model given and no model.toml beside it; write one that names the columns "
            "(peso init shows how)"
        )
    note(f"peso: columns as named in {model}")
    return model
