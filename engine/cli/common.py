"""What every verb shares: options, where results go, and progress."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.terminal import beside, fitted
from engine.errors import InputError, StorageError
from engine.files import to_json

SEED = 2027

Function = TypeVar("Function", bound=Callable[..., Any])


class Place(click.Path):
    """A path that has a name: an empty one would be the folder in which one stands."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            self.fail("an empty text names no file and no folder; write a name there", param, ctx)
        return super().convert(value, param, ctx)


PATH = Place(path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
force_option = click.option("--force", is_flag=True, help="Replace what is already at --out.")
weak_fit_option = click.option("--accept-weak-fit", is_flag=True, help="Plan even with a fit whose health forbids it.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=SEED, show_default=True, help="Seed of everything random."
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="Where to compute; gpu fails rather than falls back.",
)


def out_option(help_text: str, required: bool = False) -> Callable[[Function], Function]:
    """The option --out, a path."""
    return click.option("--out", type=PATH, required=required, help=help_text)


def path_argument(name: str, **settings: Any) -> Callable[[Function], Function]:
    """An argument that is a path; whether it exists is checked where it is read, with a better message."""
    return click.argument(name, type=PATH, **settings)


def emit(document: dict[str, Any], text: str, as_json: bool, written: Path | None = None) -> None:
    """Print the result: one JSON document, or text for people.

    Raises:
        StorageError: Standard output is closed, and the result was written nowhere else.
    """
    if sys.stdout is None and written is None:
        raise StorageError("standard output is closed, so nobody was told the answer; leave it open, or give --out")
    click.echo(to_json(document) if as_json else fitted(text))


def note(message: str, quiet: bool = False) -> None:
    """Say something beside the result, on standard error."""
    if not quiet:
        beside(message)


@contextmanager
def progress(label: str, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line on the terminal that is rewritten as work goes on; silent where nobody watches."""
    watched = sys.stderr is not None and sys.stderr.isatty()  # None where it is closed
    shown = not quiet and watched and os.environ.get("TERM") != "dumb"  # which rewrites no line

    def tell(what: str) -> None:
        if shown:
            beside(f"\r\x1b[2K{label}: {what}", line_ends=False)

    tell("...")
    try:
        yield tell
    finally:
        if shown:
            beside("\r\x1b[2K", line_ends=False)


GPU_WINS = 20_000_000  # agents from which a GPU is used unasked; not measured yet, see experiments/throughput


def choose_device(device: str, agents: int = 0) -> None:
    """Compute where it is fastest: on the CPU, unless many agents are simulated and there is a GPU, or it is asked for.

    Raises:
        DeviceError: A GPU was asked for and there is none.
    """
    import jax

    from engine.errors import DeviceError

    if device == "cpu" or (device == "auto" and agents < GPU_WINS):
        jax.config.update("jax_platforms", "cpu")
        return
    try:
        jax.config.update("jax_default_device", jax.devices("gpu")[0])
    except RuntimeError:
        if device == "gpu":
            raise DeviceError("no GPU was found for --device gpu; use --device cpu, or see peso doctor") from None


def model_beside(data: Path) -> Path:
    """The model.toml in the folder of the data, where none was named.

    Raises:
        InputError: There is none.
    """
    model = data.parent / "model.toml"
    if not os.path.isfile(model):  # unlike a path's own `is_file` it takes a name that is too long
        raise InputError(
            f"{data}: no --model given and no model.toml beside it; write one that names the columns "
            "(peso init shows how)"
        )
    return model
