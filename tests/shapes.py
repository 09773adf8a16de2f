"""Shapes are checked once for each look of a call, not in each of a million calls.

What jaxtyping and beartype find in a call hangs on the types of values, on the axes and the number types of arrays, and
on nothing else: a call that looks like one before it, with a result that looks like one before it, holds what that one
held. Checked every time is what no look can stand for: functions that take single values (`Literal`), and containers
that are long or of unknown kind. Planning in a loop spent two thirds of its time on checks otherwise.
"""

import dataclasses
import functools
import inspect
import threading
from collections.abc import Callable, Collection, Hashable
from types import CodeType
from typing import Any

import jaxtyping

Function = Callable[..., Any]
MOST = 16  # items of a container that are looked at
CHECKED = jaxtyping.jaxtyped


class UnclearError(Exception):
    """No look can stand for this value."""


class Looks(dict[type, Callable[[Any], Hashable]]):
    """How values of each type are looked at: a record is known by its type, an array also by its axes and numbers."""

    def __missing__(self, kind: type) -> Callable[[Any], Hashable]:
        """Found out at the first value of a type."""
        way = self[kind] = way_to_look(kind)
        return way


LOOKS = Looks()


def items(values: Collection[Any]) -> Hashable:
    """How a short container looks."""
    if len(values) > MOST:
        raise UnclearError
    return type(values), *[LOOKS[type(value)](value) for value in values]


def way_to_look(kind: type) -> Callable[[Any], Hashable]:
    """How values of this type are looked at; the type alone is asked, because a value may answer by a checked call."""
    if issubclass(kind, type):
        return lambda value: value
    if hasattr(kind, "shape") and hasattr(kind, "dtype"):
        return lambda array: (type(array), array.shape, array.dtype)
    if issubclass(kind, dict):
        return lambda pairs: (items(pairs), items(pairs.values()))
    if issubclass(kind, str | bytes) or hasattr(kind, "_fields") or not issubclass(kind, Collection):
        return type
    return items if issubclass(kind, tuple | list | set | frozenset) else unclear


def unclear(_value: object) -> Hashable:
    """Of other containers: nothing."""
    raise UnclearError


def looks(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """How a call looks."""
    given = [LOOKS[type(value)](value) for value in args]
    if kwargs:
        given += [*kwargs, *[LOOKS[type(value)](value) for value in kwargs.values()]]
    return tuple(given)


class Checks:
    """The two checks of a function, each made when it is first asked for: that takes longer than many calls."""

    def __init__(self, function: Function, typechecker: Function) -> None:
        self.function, self.typechecker, self.now = function, typechecker, threading.local()

    @functools.cached_property
    def throughout(self) -> Function:
        """The function with its arguments checked before it runs, and its result after."""
        return CHECKED(self.function, typechecker=self.typechecker)

    @functools.cached_property
    def _result(self) -> Function:
        given = functools.wraps(self.function)(lambda *_args, **_kwargs: self.now.result)
        return CHECKED(given, typechecker=self.typechecker)

    def afterwards(self, result: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The same checks of a result that is there."""
        self.now.result = result
        self._result(*args, **kwargs)


Seen = dict[Hashable, set[Hashable]]  # how results looked, by the look of the call
SEEN: dict[CodeType, Seen | None] = {}  # none where values count; functions made anew in each call share theirs


def seen_of(function: Function) -> Seen | None:
    """What was seen of a function so far."""
    code = function.__code__
    if code not in SEEN:
        told = str(function.__annotations__)
        SEEN[code] = None if "Literal" in told or "PyTree" in told else {}
    return SEEN[code]


def remembering(function: Function, typechecker: Function) -> Function:
    """The function, checked where it is called, or answers, in a way not seen before."""
    checks, seen = Checks(function, typechecker), seen_of(function)

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        __tracebackhide__ = True
        try:
            given = None if seen is None else looks(args, kwargs)
        except UnclearError:
            given = None
        if given is None:
            return checks.throughout(*args, **kwargs)
        known = seen.get(given)
        result = checks.throughout(*args, **kwargs) if known is None else function(*args, **kwargs)
        try:
            found = LOOKS[type(result)](result)
        except UnclearError:
            found = None
        if known is None:
            seen.setdefault(given, set()).add(found)
        elif found is None or found not in known:
            checks.afterwards(result, args, kwargs)
            known.add(found)
        return result

    call.remembers = True
    return call


def jaxtyped(function: Any = None, *, typechecker: Function) -> Any:
    """What the import hook puts around each function and record of the engine."""
    if function is None:
        return functools.partial(jaxtyped, typechecker=typechecker)
    if not inspect.isclass(function):
        return remembering(function, typechecker)
    if dataclasses.is_dataclass(function) and not hasattr(function.__init__, "remembers"):
        function.__init__ = remembering(function.__init__, typechecker)
    return function


def remember() -> None:
    """From now on, modules that the import hook loads are checked so."""
    jaxtyping.jaxtyped = jaxtyped
