"""The parts of README.md that are tested, and the part that is generated.

`python tests/docs/readme.py` writes the help of every verb into README.md.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from engine.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COMMAND = Path(sys.executable).with_name("peso")
BEGIN, END = "<!-- verbs -->\n", "<!-- end of verbs -->"


class Block(NamedTuple):
    """One fenced block: what its marker says, its language, its text."""

    marker: str
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """All fenced blocks with the marker on the line before, if there is one."""
    found = re.findall(r"(?:<!-- ([^>]*) -->\n)?^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [Block(*parts) for parts in found]


def marked(kind: str) -> list[Block]:
    """The blocks whose marker is `kind` or begins with it and a colon."""
    return [block for block in blocks(README.read_text()) if block.marker.split(":")[0] == kind]


def verbs_section() -> str:
    """The help of every verb, folded away one by one."""
    return "\n".join(
        f"<details><summary><code>peso {verb}</code>: {line}</summary>\n\n```text\n{help_of(verb)}```\n\n</details>\n"
        for verb, line in VERBS.items()
    )


def help_of(verb: str) -> str:
    """What `peso VERB --help` prints on 80 columns."""
    done = subprocess.run(
        [str(COMMAND), verb, "--help"],
        env={**os.environ, "COLUMNS": "80", "LINES": "24"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    head, _, rest = README.read_text().partition(BEGIN)
    README.write_text(head + BEGIN + verbs_section() + END + rest.partition(END)[2])
