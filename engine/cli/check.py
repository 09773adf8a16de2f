"""`peso check`: say what a table of history can and cannot tell."""

from pathlib import Path

import click

from engine.cli.common import emit, json_option, model_beside, note, path_argument


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

    if model is None:
        model = model_beside(data)
        note(f"peso: columns as named in {model}")
    inspection = inspect(data, model)
    emit(inspection.document(), as_text(inspection), as_json)
