"""The few things that can go wrong for a user, each with its exit code.

Code 0 is success, 1 an error of ours, 2 wrong usage (click's own), 130 Ctrl-C and 143 SIGTERM; every other
code has one class here. A message is one sentence with what, where and why, and ends with what to do.
"""


class EngineError(Exception):
    """What a user can cause or must know; the command line prints it and exits with its code."""

    exit_code = 1


class InputError(EngineError):
    """A file or a value in it is wrong."""

    exit_code = 3


class InfeasibleError(EngineError):
    """No plan satisfies every rule at once."""

    exit_code = 4


class UntrustworthyError(EngineError):
    """A result exists but did not converge, or should not be acted on."""

    exit_code = 5


class DeviceError(EngineError):
    """The device asked for is not there."""

    exit_code = 6


class ResumableError(EngineError):
    """The work was interrupted and is kept as far as it went; the same command goes on from there."""

    exit_code = 7


class StorageError(EngineError):
    """A file or folder could not be read or written for reasons outside its content."""

    exit_code = 8
