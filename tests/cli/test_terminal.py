"""What a terminal shows: sentences and tables within its width, and nothing that a dumb one cannot obey."""

import errno
import io
import re

from hypothesis import given
from hypothesis import strategies as st

from engine.cli.common import note, progress
from engine.cli.terminal import fitted, wrapped
from engine.words import table

WORDS = st.lists(st.sampled_from(["USD", "1.50", "m", "+2.0", "%", "a", "plan", "certified;", "x" * 30]), min_size=1)


class Terminal(io.StringIO):
    """A stream that is one."""

    def isatty(self):
        return True


class Full(Terminal):
    """One that takes nothing more."""

    def write(self, _text):
        raise OSError(errno.ENOSPC, "no space left")


@given(WORDS, st.integers(20, 90), st.sampled_from(["", "  "]))
def test_wrapping_cuts_no_word_and_no_number_from_its_unit_and_keeps_to_the_width(words, width, indent):
    text = indent + " ".join(words)
    lines = wrapped(text, width).split("\n")
    assert " ".join(" ".join(lines).split()) == " ".join(words)
    for line in lines:
        assert line.startswith(indent)
        assert not (line.endswith(("USD", "1.50")) and len(lines) > 1) or line == lines[-1] or _splits(line, lines)
        assert len(line) <= width or max(map(len, words)) + len(indent) > width // 2


def _splits(line, lines):
    """Whether what follows a number or a currency in the next line is no part of it."""
    after = lines[lines.index(line) + 1].split()[0]
    return not (line.endswith("USD") and after in ("1.50", "+2.0")) and not (line.endswith("1.50") and after in "m%")


def test_a_table_is_folded_to_the_width_and_no_cell_is_lost():
    lines = table(
        ["channel", "history", "5 %", "plan"], [["tv", "947 k", "8 k", "820 k"], ["a channel", "1", "", "2.50 m"]]
    )
    for width in range(20, 40):
        shown = wrapped(f"what is spent\n{lines}\nEUR over 52 weeks", width)
        assert set(re.split(r"  +|\n", shown)) >= set(re.split(r"  +|\n", lines))
        assert all(len(line) <= width for line in shown.split("\n"))
    assert wrapped(lines, 40) == lines
    assert wrapped(lines, 24).split("\n\n") == [
        "channel    history  5 %\ntv           947 k  8 k\na channel        1",
        "channel      plan\ntv          820 k\na channel  2.50 m",
    ]


def test_a_list_with_a_word_before_each_sentence_stays_as_it_is():
    told = "good  the model explains 99% of what varies\nweak  2.3% of the outcome drifts"
    assert wrapped(told, 24) == told


def test_a_pipe_gets_lines_as_they_are_and_a_terminal_its_own_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    text = "one sentence of more than twenty-four columns"
    for stream in (None, io.StringIO()):
        monkeypatch.setattr("sys.stdout", stream)
        assert fitted(text) == text
    monkeypatch.setattr("sys.stdout", Terminal())
    assert fitted(text) == "one sentence of more\nthan twenty-four columns"


def test_a_terminal_that_rewrites_no_line_gets_no_progress(monkeypatch):
    for kind, silent in (("dumb", True), ("xterm", False)):
        screen = Terminal()
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("TERM", kind)
        with progress("planning") as tell:
            tell("half")
        assert (screen.getvalue() == "") == silent


def test_what_cannot_be_said_beside_an_answer_keeps_nobody_from_it(monkeypatch):
    monkeypatch.setattr("sys.stderr", Full())
    monkeypatch.setenv("TERM", "xterm")
    note("written")
    with progress("planning") as tell:
        tell("half")
        answered = True
    assert answered
