"""`peso doctor`: does this installation work?"""

import os
import sys
from pathlib import Path

import click

from engine.cli.common import emit, json_option


@click.command("doctor")
@json_option
def verb(as_json: bool) -> None:
    """Check this installation: packages, solvers, device, write access.

    \b
    Examples:
      peso doctor              one line per check, with what to do where something is wrong
      peso doctor --json       the same as one document

    Leaves with 0 where everything needed works, 6 where the device is at fault, else 1.
    """
    from engine.study import doctor

    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    checks = doctor.examine(Path.cwd(), sys.stdout.encoding, colours)
    emit(doctor.document(checks), doctor.text(checks), as_json)
    sys.exit(doctor.exit_code(checks))
