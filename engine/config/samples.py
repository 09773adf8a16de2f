"""Where the markets and scenarios that come with the engine lie."""

import os
from pathlib import Path
from typing import Literal

import engine
from engine.errors import InputError


def sample_folder(kind: Literal["configs", "scenarios"]) -> Path:
    """The folder of samples: inside the installed package, or beside it in the source tree.

    Raises:
        InputError: The installation holds no samples.
    """
    package = Path(engine.__file__).parent
    for folder in (package / "samples" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise InputError(f"this installation holds no {kind}; install peso-engine again, or give the path of your own file")


def sample(kind: Literal["configs", "scenarios"], name: Path) -> Path:
    """The file that a path names, or the sample that a bare name such as `online_retail` names.

    Raises:
        InputError: Neither exists; the message lists the samples.
    """
    if os.path.exists(name) or name.name != str(name) or name.suffix not in ("", ".toml"):
        return name
    folder = sample_folder(kind)
    inside = folder / f"{name.stem}.toml"
    if not os.path.isfile(inside):
        known = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise InputError(f"{name}: no such file, and no sample of that name; use a path, or one of {known}")
    return inside
