"""A split as a scenario: what the page writes beside the money, so that the planner values just this split again."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from engine.config.scenario import Scenario
from engine.optimize.flighting import flighting_of
from engine.optimize.selecting import rules_of
from engine.response.curves import Channel

BARE = re.compile(r"[A-Za-z0-9_-]+")
SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def toml(value: Any) -> str:
    """A plain value as TOML, tables inline.

    >>> toml({"a b": 1, "on": True, "c": [0.5, "x\\ty"]})
    '{ "a b" = 1, on = true, c = [0.5, "x\\\\ty"] }'
    """
    if isinstance(value, BaseModel):
        return toml(value.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True))
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key(str(name))} = {toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """A text as TOML has it, on one line.

    >>> quoted('say "hi"'), quoted("a\\x7f")
    ('"say \\\\"hi\\\\""', '"a\\\\u007F"')
    """
    told = (SHORT.get(letter) or (letter if letter.isprintable() else _coded(letter)) for letter in text)
    return f'"{"".join(told)}"'


def key(name: str) -> str:
    """A name as a key."""
    return name if BARE.fullmatch(name) else quoted(name)


def around(scenario: Scenario) -> tuple[str, str]:
    """What stands before and after the channels: the time and the goal, then the world; no rules across channels."""
    head = [f"horizon = {toml(scenario.horizon)}"]
    for name in ("goal", "stress", "roles"):
        told = toml(getattr(scenario, name))
        head += [f"{name} = {told}"] if told != toml({}) else []
    shocks = ["[[shocks]]\n" + _rows(shock) for shock in scenario.shocks]
    return "\n".join(head) + "\n", "\n".join(shocks)


def of_channel(channel: Channel, scenario: Scenario) -> str:
    """What stands beside a channel's money: when and how it is spent, and at which prices."""
    rules, flighting = rules_of(channel, scenario), flighting_of(channel, scenario)
    told = {"flight": rules.flight, "flighting": flighting if flighting != "even" else None, "tiers": rules.tiers}
    return "".join(f"{name} = {toml(value)}\n" for name, value in told.items() if value)


def _rows(record: BaseModel) -> str:
    told = record.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True)
    return "".join(f"{key(name)} = {toml(value)}\n" for name, value in told.items())


def _coded(letter: str) -> str:
    return f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08X}"
