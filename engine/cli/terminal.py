"""What a terminal can show: sentences wrapped and tables folded to its width; files and pipes as they are."""

import itertools
import re
import shutil
import sys
import textwrap
from contextlib import suppress

import click

from engine.words import COLUMNS, folded

NARROWEST = 20  # columns: a narrower terminal breaks lines itself
WIDEST = 160  # columns of a table: eyes lose the row in a wider one
TOGETHER = re.compile(r"(?<=\b[A-Z]{3}) (?=[+-]?\d)|(?<=\d) (?=(?:k|m|bn|tn|%)(?!\w))")  # a number and its unit
HELD = "\u00a0"


def fitted(text: str, err: bool = False) -> str:
    """A text as standard output, or standard error, shows it best: wrapped where it is a terminal."""
    stream = sys.stderr if err else sys.stdout
    if stream is None or not stream.isatty():
        return text
    return wrapped(text, max(NARROWEST, shutil.get_terminal_size().columns))


def columns() -> int:
    """How wide a table may be: as the terminal that shows it, or the usual one where a file or a pipe takes it."""
    if sys.stdout is None or not sys.stdout.isatty():
        return COLUMNS
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


def beside(text: str, line_ends: bool = True) -> None:
    """Say something on standard error; where that is full, or nobody reads it, nothing is said and work goes on."""
    with suppress(OSError):
        click.echo(fitted(text, err=True) if line_ends else text, err=True, nl=line_ends)


def wrapped(text: str, width: int) -> str:
    """A text whose sentences are broken between words into lines of `width`, and whose tables are folded to it.

    A number and its unit stay together, and what is indented goes on below its own words. A table becomes several, each
    with the first column.

    >>> print(wrapped("USD 1.50 m are spent", 10))
    USD 1.50 m
    are spent
    """
    blocks = itertools.groupby(text.split("\n"), key=_is_row)
    return "\n".join(
        _folded(list(lines), width) if in_table else "\n".join(_wrapped(line, width) for line in lines)
        for in_table, lines in blocks
    )


def _is_row(line: str) -> bool:
    """Whether a line may be a row of a table: words, and gaps of two columns and more."""
    return "  " in line.strip(" ")


def _folded(lines: list[str], width: int) -> str:
    """A table of three columns and more that is too wide, as narrower ones; anything else as it is."""
    wide = max(map(len, lines))
    gaps = re.finditer(
        "  +", "".join(" " if all(line[at : at + 1].strip() == "" for line in lines) else "x" for at in range(wide))
    )
    edges = [0, *(gap.end() for gap in gaps if gap.start()), wide]
    if wide <= width or len(lines) < 2 or len(edges) < 4:
        return "\n".join(lines)
    header, *rows = ([line[begin:end].strip() for begin, end in itertools.pairwise(edges)] for line in lines)
    return folded(header, rows, width)


def _wrapped(line: str, width: int) -> str:
    words = line.lstrip(" ")
    if len(line) <= width or HELD in words:
        return line
    indent = " " * (len(line) - len(words))
    lines = textwrap.wrap(
        TOGETHER.sub(HELD, words),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  " * bool(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(HELD, " ")
