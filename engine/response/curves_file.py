"""The file `curves.json` (schema peso.curves/1): read strictly, written whole; people may write it too."""

import difflib
import json
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from engine.errors import InputError
from engine.files import digest, read_bytes, read_json, write_json
from engine.periods import PERIODS
from engine.response.curves import KINDS, ROLES, Channel, Curves, Family, History, Mixture, Role

SCHEMA = "peso.curves/1"
MOST_PRUDENCE = 10.0  # deviations, as in a scenario
LARGEST = 1e30  # of any number: no money and no outcome is larger


def read_curves(path: Path) -> Curves:
    """The curves of a file.

    Raises:
        InputError: Naming the file, the channel and the field, with what to do.
    """
    content = read_json(path)
    try:
        return _curves(content, digest(read_bytes(path)))
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from None


_KEYS = {  # what stands where; other keys are left alone unless they look like one of these
    "the file": (
        "schema",
        "currency",
        "outcome",
        "outcome_value",
        "period",
        "draws",
        "made_from",
        "channels",
        "prudence",
        "until",
    ),
    "a channel": ("name", "kind", "channel", "geo", "segment", "role", "adstock", "saturation", "history"),
    "history": ("mean", "max", "last", "support"),
}


def _require_no_slip(body: dict[str, Any], where: str, place: str) -> None:
    """Refuse a key that is nearly one that we read: what it says would be lost without a word."""
    for key in body.keys() - set(_KEYS[where]):
        close = difflib.get_close_matches(key, _KEYS[where], n=1, cutoff=0.75)
        if close:
            raise InputError(f"{place}: {key!r} is not a known key; did you mean {close[0]!r}?")


def _curves(content: Any, made_from: str) -> Curves:
    body = _record(content, "the file")
    _require_no_slip(body, "the file", "the file")
    if body.get("schema") != SCHEMA:
        raise InputError(f"schema is {body.get('schema')!r}, {SCHEMA!r} is needed; is this a curves file?")
    period = body.get("period")
    if period not in PERIODS:
        raise InputError(f"period is {period!r}; use one of {', '.join(PERIODS)}")
    channels = body.get("channels")
    if not isinstance(channels, list):
        raise InputError("channels is missing or not a list; give one entry per channel")
    outcome_value = body.get("outcome_value")
    if outcome_value == 0:
        raise InputError("outcome_value is 0, so no outcome is worth any money; give money per unit, or leave it out")
    curves = Curves(
        currency=_text(body, "currency", "the file"),
        outcome=_text(body, "outcome", "the file"),
        period=period,
        channels=tuple(_channel(entry, index) for index, entry in enumerate(channels)),
        outcome_value=None if outcome_value is None else _number(body, "outcome_value", "the file"),
        prudence=_number(body, "prudence", "the file", MOST_PRUDENCE) if "prudence" in body else 0.0,
        made_from=made_from,
        until=_day(body, "until") if "until" in body else None,
    )
    if "draws" in body and (body["draws"] is True or body["draws"] != curves.draws):
        raise InputError(f"draws says {_shown(body['draws'])} but the lists hold {curves.draws}; correct one of them")
    return curves


def _channel(entry: Any, index: int) -> Channel:
    body = _record(entry, f"channel {index + 1}")
    name = _text(body, "name", f"channel {index + 1}")
    place = f"channel {name!r}"
    _require_no_slip(body, "a channel", place)
    if body.get("kind") not in KINDS:
        raise InputError(f"{place}: kind is {body.get('kind')!r}; use one of {', '.join(KINDS)}")
    history = _record(body.get("history", {"mean": 0.0, "max": 0.0}), f"{place}, history")
    _require_no_slip(history, "history", f"{place}, history")
    return Channel(
        name=name,
        kind=body["kind"],
        adstock=_families(body, "adstock", place),
        saturation=_families(body, "saturation", place),
        history=History(
            mean=_number(history, "mean", f"{place}, history"),
            max=_number(history, "max", f"{place}, history"),
            last=_last(history.get("last", []), f"{place}, history, last"),
            support=_support(history.get("support"), f"{place}, history, support"),
        ),
        part_of=_text(body, "channel", place) if "channel" in body else None,
        geo=_text(body, "geo", place) if "geo" in body else None,
        segment=_text(body, "segment", place) if "segment" in body else None,
        role=_role(body, place),
    )


def _role(body: dict[str, Any], place: str) -> Role | None:
    if "role" not in body:
        return None
    found = next((role for role in ROLES if role == body["role"]), None)
    if found is None:
        raise InputError(f"{place}: role is {body['role']!r}; use one of {', '.join(ROLES)}, or leave it out")
    return found


def _last(values: Any, place: str) -> tuple[float, ...]:
    spent = _numbers(values, place)
    if (spent < 0).any():
        row = int(np.argmax(spent < 0))
        raise InputError(f"{place}: value {row + 1} is {spent[row]:g}; spend cannot be negative, correct it")
    return tuple(spent.tolist())


def _support(values: Any, place: str) -> tuple[float, float] | None:
    if values is None:
        return None
    ends = _numbers(values, place).tolist()
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1]:
        raise InputError(f"{place} is {_shown(values)}; two stocks are needed, the lower first, as in [4000, 21000]")
    return ends[0], ends[1]


def _families(body: dict[str, Any], key: str, place: str) -> Family | Mixture:
    """The family of all draws, or, from a list, those of the draws in order."""
    given = body.get(key)
    if not isinstance(given, list):
        return _family(given, f"{place}, {key}")
    if not given:
        raise InputError(f"{place}, {key} is an empty list; give at least one family")
    parts = tuple(_family(entry, f"{place}, {key}, part {number}") for number, entry in enumerate(given, start=1))
    return parts[0] if len(parts) == 1 else Mixture(parts)


def _family(given: Any, place: str) -> Family:
    family = _record(given, place)
    name = _text(family, "family", place)
    return Family(
        name, {field: _numbers(values, f"{place}, {field}") for field, values in family.items() if field != "family"}
    )


def _record(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{place} is missing or not an object {{...}}; see the README for a sample")
    return value


def _text(body: dict[str, Any], key: str, place: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{place}: {key} is {value!r}; a text is needed")
    return value


def _day(body: dict[str, Any], key: str) -> date:
    try:
        return date.fromisoformat(_text(body, key, "the file"))
    except ValueError:
        raise InputError(f'the file: {key} is {body[key]!r}; a date is needed, as in "2027-01-04"') from None


def _number(body: dict[str, Any], key: str, place: str, most: float = LARGEST) -> float:
    value = body.get(key)
    if not _is_finite(value) or not 0 <= value <= most:
        raise InputError(f"{place}: {key} is {_shown(value)}; a number from 0 to {most:g} is needed")
    return float(value)


def _numbers(values: Any, place: str) -> np.ndarray:
    if not isinstance(values, list):
        raise InputError(f"{place} is {_shown(values)}; a list of numbers is needed, as in [0.6]")
    for row, value in enumerate(values):
        if not _is_finite(value):
            raise InputError(f"{place}: value {row + 1} is {_shown(value)}; a number up to {LARGEST:g} is needed")
    return np.asarray(values, dtype=float)


def _is_finite(value: Any) -> TypeGuard[float]:
    """Whether a JSON value is a number (true and false are not) of a size that sums and products survive."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -LARGEST <= value <= LARGEST


def _shown(value: Any) -> str:
    """A JSON value, short enough for a sentence."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def write_curves(path: Path, curves: Curves) -> None:
    """Write `curves.json`; what is read back is the same to the last bit."""
    write_json(path, curves_document(curves))


def curves_document(curves: Curves) -> dict[str, Any]:
    """The content of `curves.json` as plain values."""
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "currency": curves.currency,
        "outcome": curves.outcome,
        "period": curves.period,
        "draws": curves.draws,
    }
    if curves.outcome_value is not None:
        head["outcome_value"] = curves.outcome_value
    if curves.prudence:
        head["prudence"] = curves.prudence
    if curves.until is not None:
        head["until"] = str(curves.until)
    head["made_from"] = curves.made_from
    head["channels"] = [
        {
            "name": channel.name,
            "kind": channel.kind,
            **_axes_document(channel),
            "adstock": _families_document(channel.adstock),
            "saturation": _families_document(channel.saturation),
            "history": _history_document(channel.history),
        }
        for channel in curves.channels
    ]
    return head


def _axes_document(channel: Channel) -> dict[str, str]:
    """What a channel is a part of and what it is for, as far as that is known."""
    told = {"channel": channel.part_of, "geo": channel.geo, "segment": channel.segment, "role": channel.role}
    return {key: text for key, text in told.items() if text is not None}


def _history_document(history: History) -> dict[str, Any]:
    known = {"mean": history.mean, "max": history.max, "last": list(history.last)}
    return known if history.support is None else {**known, "support": list(history.support)}


def _families_document(family: Family | Mixture) -> dict[str, Any] | list[dict[str, Any]]:
    """One object for one family, a list of them for a mixture."""
    return _family_document(family) if isinstance(family, Family) else [_family_document(one) for one in family.parts]


def _family_document(family: Family) -> dict[str, Any]:
    return {"family": family.name, **{name: values.tolist() for name, values in family.parameters.items()}}
