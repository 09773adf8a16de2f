"""The command: verbs are loaded when asked for, errors become one sentence and an exit code."""

import difflib
import errno
import importlib
import io
import os
import signal
import sys
import warnings
from contextlib import suppress
from typing import NoReturn

import click

from engine import __version__
from engine.cli.machine import settle
from engine.cli.stopping import Ended, stop_when_loaded
from engine.cli.terminal import beside
from engine.errors import EngineError, ResumableError, StorageError
from engine.words import plain

VERBS = {
    "demo": "From a simulated market to a judged plan, in one go.",
    "init": "Write a working sample project into a folder.",
    "check": "Say what a table of history can and cannot tell.",
    "calibrate": "Turn spend and outcome history into response curves with honest bands.",
    "optimize": "Find the best budget under the rules of a scenario, with proof.",
    "whatif": "Answer several scenarios side by side.",
    "replan": "Decide the rest of a year that has begun anew.",
    "track": "Say whether a plan is on course, why not, and where its year ends.",
    "stress": "Put a plan under shocks, and say what each policy makes of them.",
    "frontier": "Show what every budget brings, or what one goal costs another.",
    "report": "Write what was asked and answered as one page for people.",
    "simulate": "Simulate a market whose truth is known.",
    "doctor": "Check this installation: packages, solvers, device, write access.",
}


class Verbs(click.Group):
    """A group whose members are imported only when they run or are asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs, in the order of a first working day."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One verb, or a usage error that names the nearest one."""
        if cmd_name not in VERBS:
            close = difflib.get_close_matches(cmd_name, VERBS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"verbs: {', '.join(VERBS)}"
            raise click.UsageError(f"no verb {cmd_name!r}; {hint}", ctx)
        verb: click.Command = importlib.import_module(f"engine.cli.{cmd_name}").verb
        return verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from their one-line table, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="peso")
def peso() -> None:
    """Where should the next marketing dollar go, how sure are we, and what if the world turns?

    \b
    Examples:
      peso demo                                      the whole line on a simulated market
      peso check sales.csv --model model.toml        what the data can and cannot tell
      peso calibrate sales.csv --model model.toml --out fit
      peso optimize fit scenario.toml --out plan.json
      peso whatif cut.toml freeze.toml --fit fit

    Results go to standard output, everything else to standard error; every verb takes --json.
    Shell completion: eval "$(_PESO_COMPLETE=bash_source peso)"  (or zsh_source, fish_source).
    """


def answer(stopped: str, watched: tuple[int, ...]) -> None:
    """Answer what was typed; where a signal is ours to answer (`watched`), say so and leave once all work is undone."""
    try:
        _begin(watched)
        peso.main(standalone_mode=False)
    except SystemExit as leave:
        _leave_unread(leave)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as fault:
        with suppress(OSError):
            fault.show()
        sys.exit(2)
    except EngineError as fault:
        _leave_with(fault)
    except (KeyboardInterrupt, click.Abort) as stop:
        beside(stopped)
        ended = isinstance(stop, Ended) or isinstance(stop.__cause__, Ended)
        os._exit(143 if ended else 130)  # at once: leaving in the usual way waits for compilers, and may crash in them
    except OSError as fault:
        if fault.errno != errno.ENOSPC:
            raise
        _drop_output()
        beside("peso: no space left for the output; free some space and ask again")
        sys.exit(StorageError.exit_code)


def _begin(watched: tuple[int, ...]) -> None:
    """Settle what holds for every verb."""
    for number in watched:  # files half-written are removed on its way
        signal.signal(number, stop_when_loaded)
    _hold_standard_streams()
    _escape_unknown_letters()
    settle(os.environ)
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")  # only slower


def _leave_with(fault: EngineError) -> NoReturn:
    """Say what went wrong in one sentence, and leave with its code."""
    told = "\n".join(plain(line) for line in str(fault).split("\n"))
    beside(f"peso: {told}")
    if isinstance(fault, ResumableError):
        os._exit(fault.exit_code)  # after Ctrl-C at once, as above
    sys.exit(fault.exit_code)


def _hold_standard_streams() -> None:
    """Open the numbers of standard streams that are closed, lest a file gets one that a solver then prints into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _escape_unknown_letters() -> None:
    """Print what a terminal cannot show as an escape, because it is no reason to lose an answer."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it is closed
            stream.reconfigure(errors="backslashreplace")


def _leave_unread(leave: SystemExit) -> NoReturn:
    """Leave with code 0 where click gave up because nobody reads on, else as click would."""
    if sys.stdout is None or isinstance(sys.stdout, io.TextIOWrapper):  # click wraps it where a pipe is broken
        raise leave
    _drop_output()
    sys.exit(0)


def _drop_output() -> None:
    """Send what is still to be written to standard output nowhere, so that leaving raises nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
