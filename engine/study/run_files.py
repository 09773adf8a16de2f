"""The files of a run, none of which an answer may take the place of."""

import os
from pathlib import Path
from typing import Any

from engine.files import read_json

MANIFEST = "manifest.json"


def run_files(place: Path) -> list[Path]:
    """The place itself, and the files of the run that is there: those that its manifest describes, else all of them.

    What a reader keeps in the folder of a fit beside its files, such as an earlier page, is none of them.

    Args:
        place: The folder of a run, or one file of it.

    Raises:
        InputError: The manifest is damaged.
    """
    is_folder = os.path.isdir(place)  # unlike a path's own `is_dir` it takes a name that is too long
    folder = place if is_folder else place.parent
    described = _described(folder / MANIFEST)
    if is_folder and not described:
        return [place, *sorted(place.iterdir())]
    if not is_folder and place.name not in described:
        return [place]
    return [place, *(folder / name for name in described)]


def _described(manifest: Path) -> list[str]:
    """The manifest and the names of the files that it describes; nothing where there is none."""
    told: Any = read_json(manifest) if os.path.isfile(manifest) else {}
    files = told.get("files") if isinstance(told, dict) else None
    return [MANIFEST, *files] if isinstance(files, dict) else []
