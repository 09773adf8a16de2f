"""TOML into closed records; every message names the file, the line, the field, the value and the remedy."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from engine.config.wording import shown, toml_told, worded
from engine.errors import InputError
from engine.files import read_bytes

LARGEST = 1_000_000  # bytes of one configuration file
DEEPEST = 12  # nested tables: ours have four
FORMS = ("model_type", "tuple_type", "list_type")  # faults by which a table or a list is missed

LARGEST_MONEY = 1e15  # that a file may name, a plan may spend, and a plan that is read back may hold [currency]

Money = Annotated[float, Field(ge=0, le=LARGEST_MONEY, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Closed(BaseModel):
    """A record that takes no unknown key, no wrong type, and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    later: ClassVar[tuple[str, ...]] = ()  # keys that the file contract knows and this version does not answer


Record = TypeVar("Record", bound=Closed)
Fault = tuple[ErrorDetails, tuple[str, ...]]  # what is wrong, and the keys that lead to it


def load(path: Path, record: type[Record]) -> Record:
    """The record that a TOML file describes.

    Raises:
        InputError: One sentence for each thing that is wrong with the file.
    """
    raw = read_bytes(path, LARGEST)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"{path}: byte {fault.start} is not UTF-8; save the file as UTF-8") from None
    return parse(text, record, str(path))


def parse(text: str, record: type[Record], place: str) -> Record:
    """The record that a TOML text describes; `place` names the text in messages."""
    if text.lstrip().startswith("{"):
        raise InputError(f"{place}: is JSON, and a TOML file is needed there; name one")
    if re.search(r"[\[{]\s*" * (DEEPEST + 1), text) or text.count("[[[[") > 0:
        raise InputError(f"{place}: nested deeper than {DEEPEST} levels; check what this file is")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        at = re.search(r"at line (\d+)", str(fault))
        line = int(at.group(1)) if at else text.count("\n") + 1
        lines = text.splitlines()
        held = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        told, remedy = toml_told(str(fault), held)
        quoted = f": {held[:80]!r}" if held else ""
        raise InputError(f"{place}, line {line}: not TOML ({told}){quoted}; {remedy}") from None
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise InputError(f"{place}: a number has thousands of digits; write a finite number there") from None
    except RecursionError:
        raise InputError(f"{place}: nested too deep; check what this file is") from None
    return build(content, record, place, text)


def build(content: dict[str, Any], record: type[Record], place: str, text: str = "") -> Record:
    """The record of plain values; `text` is what they were read from, for line numbers."""
    try:
        return record.model_validate(content)
    except ValidationError as fault:
        found = [(error, _path(error, content)) for error in fault.errors(include_url=False)]
        told = [_sentence(error, path, record, (place, text)) for error, path in _within_one_form(found)]
        raise InputError("\n".join(dict.fromkeys(told))) from None


def _within_one_form(found: list[Fault]) -> list[Fault]:
    """Faults but those that miss one form of a value, a number, a list or a table, where another one was meant."""
    return [fault for fault in found if not (_is_form(fault[0]) and _is_answered(*fault, found))]


def _is_form(error: ErrorDetails) -> bool:
    """Whether a fault is that a value has another form than one that may stand there."""
    return error["type"].endswith("_type")


def _is_answered(error: ErrorDetails, path: tuple[str, ...], found: list[Fault]) -> bool:
    """Whether another fault says what is wrong with the form that was meant."""
    inside = any(len(other) > len(path) and other[: len(path)] == path for _, other in found)
    beside = [fault for fault, other in found if other == path]
    meant = any(not _is_form(fault) for fault in beside)
    alone = error["type"] in FORMS and any(fault["type"] not in FORMS for fault in beside)  # one value is taken, too
    return inside or meant or alone


def _path(error: ErrorDetails, content: Any) -> tuple[str, ...]:
    """The keys that lead to a fault, as the user wrote them: names of union members are left out."""
    path = []
    for rank, part in enumerate(error["loc"], start=1):
        of_table = isinstance(content, dict) and part in content
        if of_table or (isinstance(content, (list, tuple)) and isinstance(part, int) and part < len(content)):
            content = content[part]
        elif not (isinstance(content, dict) and error["type"] == "missing" and rank == len(error["loc"])):
            continue
        path.append(str(part))
    return tuple(path)


def _sentence(error: ErrorDetails, path: tuple[str, ...], record: type[BaseModel], source: tuple[str, str]) -> str:
    place, text = source
    line = line_of(text, path)
    where = f"{place}, line {line}" if line else place
    field = ".".join(path) or "the file"
    if error["type"] == "extra_forbidden":
        known, later = _known(record, path[:-1])
        if path[-1] in later:
            return f"{where}: {field} is not answered by this version; remove it ({', '.join(known)} are)"
        close = difflib.get_close_matches(path[-1], known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
        return f"{where}: {field} is not a known key; {remedy}"
    if error["type"] == "missing":
        return f"{where}: {field} is missing; add it"
    value = shown(error.get("input"))
    value = f" = {value}" if value else ""
    if error["type"] == "model_type":
        held = "a list" if isinstance(error.get("input"), list | tuple) else "one value"
        return f"{where}: {field}{value}: {held} where a table is needed; {_table(error, record, path)}"
    message, remedy = worded(error)
    return f"{where}: {field}{value}: {message}" + ("" if "; write " in message else f"; {remedy}")


def _table(error: ErrorDetails, record: type[BaseModel], path: tuple[str, ...]) -> str:
    """How a table is written: with the keys that it needs, or else one of those that it takes."""
    wanted = [model for model in _allowed(record, path) if model.__name__ == error.get("ctx", {}).get("class_name")]
    fields = [(field.alias or name, field) for model in wanted for name, field in model.model_fields.items()]
    needed = dict.fromkeys(f"{name} = .." for name, field in fields if field.is_required())
    if needed:
        return f"write {{ {', '.join(needed)} }}"
    return f"write {{ key = .. }} with keys of {', '.join(dict.fromkeys(name for name, _ in fields))}"


def _known(record: Any, path: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The keys that a record takes at a place inside it, of all members where it is one of several; and
    those that a later version will take."""
    models = _allowed(record, path)
    known = {field.alias or name for model in models for name, field in model.model_fields.items()}
    return sorted(known), sorted({key for model in models for key in getattr(model, "later", ())})


def _allowed(record: Any, path: tuple[str, ...]) -> list[type[BaseModel]]:
    """The records that may stand at a place inside one."""
    places = [record]
    for part in path:
        places = [inner for place in places for inner in _inside(place, part)]
    return [model for place in places for model in _models(place)]


def _inside(annotation: Any, part: str) -> list[Any]:
    """What may stand under a key of a value of this type."""
    if get_origin(annotation) in (dict, list, tuple):
        return [inner for inner in get_args(annotation)[get_origin(annotation) is dict :] if inner is not ...]
    fields = [model.model_fields.get(part) for model in _models(annotation)]
    inner = [field.annotation for field in fields if field]
    return inner or [found for member in get_args(annotation) for found in _inside(member, part)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The records that a type allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (dict, list, tuple):
        return []
    return [model for member in get_args(annotation) for model in _models(member)]


_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*\.?""")


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line on which a field stands, or the deepest table around it that stands in the text.

    >>> line_of('name = "x"\\n[channels.tv]\\ncap = 1\\n', ("channels", "tv", "cap"))
    3
    """
    best, line_found = 0, None
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        here = None
        if head := _TABLE.match(line):
            table = _parts(head.group(2))
            if head.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            here = table
        elif key := _KEY.match(line):
            here = (*table, *_parts(key.group(1)))
        if here and len(here) > best and here == path[: len(here)]:
            best, line_found = len(here), number
    return line_found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(
        next(part for part in found if part is not None) if any(found) else ""
        for found in (m.groups() for m in _PART.finditer(dotted))
    )
