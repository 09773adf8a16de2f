"""What is wrong with a value or a line, in the words of the file that people write: never in those of a library."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from pydantic_core import ErrorDetails

PERCENT = 100.0
NUMBER, TEXT = "write a plain number, without quotes", "write it in quotes"
DATE, COUNT = (
    "write a date as 2027-01-04, without quotes",
    "write a whole number, without quotes and without a fraction",
)
TABLE, LIST = "write { name = .. }", "write [ .. ], with commas between"
WORDS = {  # by what pydantic calls it: what should stand there, and what to do
    "float_type": ("a number is needed", NUMBER),
    "float_parsing": ("a number is needed", NUMBER),
    "int_type": ("a whole number is needed", COUNT),
    "int_from_float": ("a whole number is needed", COUNT),
    "int_parsing_size": ("this whole number has too many digits", "write a smaller one"),
    "finite_number": ("must be a finite number", "write one"),
    "bool_type": ("true or false is needed", "write one of them, without quotes"),
    "string_type": ("a text is needed", TEXT),
    "string_too_short": ("the text is empty", "write at least one letter"),
    "string_too_long": ("the text has more than {max_length} letters", "shorten it"),
    "date_type": ("a date is needed", DATE),
    "date_from_datetime_parsing": ("a date is needed", DATE),
    "date_from_datetime_inexact": ("a date is needed, without a time of day", DATE),
    "dict_type": ("a table is needed", TABLE),
    "tuple_type": ("a list is needed", LIST),
    "list_type": ("a list is needed", LIST),
    "too_short": ("the list has {actual_length} entries, and at least {min_length} are needed", "add some"),
    "too_long": ("the list has {actual_length} entries, and at most {max_length} are taken", "leave some out"),
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("is not a known key", "remove it"),
    "model_type": ("a table is needed", TABLE),
    "literal_error": ("must be {expected}", "use one of these"),
    "greater_than": ("must be greater than {gt}", "correct this value"),
    "greater_than_equal": ("must be greater than or equal to {ge}", "correct this value"),
    "less_than": ("must be less than {lt}", "correct this value"),
    "less_than_equal": ("must be less than or equal to {le}", "correct this value"),
}


def worded(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, and what to do."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind in WORDS:
        told, remedy = WORDS[kind]
        known = {name: f"{limit:.10g}" if isinstance(limit, float) else str(limit) for name, limit in limits.items()}
        return told.format(**known), _share(error.get("input"), limits) or remedy
    message = error["msg"].removeprefix("Value error, ")
    several = " above " in message or " and " in message
    remedy = ("correct one of them" if several else "correct it") if kind == "value_error" else "correct this value"
    return message[:1].lower() + message[1:], remedy


def _share(value: Any, limits: Mapping[str, Any]) -> str:
    """What to write where a percentage stands for a share or a multiple; empty where that is not what was meant."""
    most = limits.get("le", limits.get("lt"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(most, float):
        return ""
    meant = f"write {value / PERCENT:g} for {value:g} %"
    if most == 1 and 2 <= value <= PERCENT:
        return f"a share of all is 1 at the most; {meant}"
    return meant if most == PERCENT < value <= PERCENT**2 else ""


def shown(value: Any) -> str:
    """A single value as it is written; nothing of a list or a table.

    >>> shown(True), shown("a"), shown([1])
    ('true', "'a'", '')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if isinstance(value, dict | list | tuple) or value is None else repr(value)[:100]


QUOTES = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
BLANKS = "\u00a0\u2007\u202f\u200b\u200c\u200d\ufeff\u2060"
_LINES = [  # of a line that TOML cannot read: what it looks like, and what to write instead
    (rf"[{QUOTES}]", 'write plain quotation marks, ", around a text'),
    (rf"[{BLANKS}]", "a blank there is none of the keyboard's, though it looks like one; write a plain blank"),
    (r"^(//|--|;|/\*)|\s//", "a comment begins with #; write # there"),
    (r"[=,\[{\s][+-]?\.(\d+)", "a number begins with a digit; write 0.{0}"),
    (r"[=,\[{\s][+-]?(\d+)\.(?!\d)", "a number does not end with a point; write {0}.0"),
    (r"=\s*[+-]?\d+(\.\d+)?\s*%", "write a share without the sign: 0.15 for 15 %"),
    (r"=\s*\d{1,3}(,\d{3})+\b", "numbers have no commas; write 1_000_000, or 1000000"),
    (r"=\s*\d{1,3}([ '.]\d{3})+\b", "digits are grouped by _ alone; write 1_000_000, or 1000000"),
    (r"=\s*\d+,\d+\s*$", "the decimal sign is a point; write 0.5"),
    (r"=\s*(\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{4}-\d-|\d{4}-\d\d-\d\b)", DATE),
    (r"=\s*(\d{4}-\d\d-\d\d)\s*$", "there is no such day; write a date of the calendar"),
    (r"=\s*[+-]?0\d", "a number does not begin with 0; leave it out"),
    (r"=\s*(True|TRUE|False|FALSE)\b", "write true or false, in small letters"),
    (r"=\s*(None|null|nil|NULL|NaN)\b", "there is no value for nothing; leave the key out"),
    (r"=\s*(#.*)?$", "nothing stands behind the sign; write a value, or leave the key out"),
    (r"=\s*[$\u20ac\u00a3]|=\s*[A-Z]{3} ?\d", "money is written without its currency; write the number alone"),
    (r"=\s*\d[\d_.]*\s*([kKM]|mn?|bn?)\b", "write the number in full: 2_000_000 for 2 m"),
    (r"=\s*[^=]+;", "a line has one key; write the next one on a line of its own"),
    (r"=\s*([A-Za-z][\w -]*?)\s*(#.*)?$", 'a text stands in quotes; write "{0}"'),
    (r"^[\w.-]+\s*:|\{\s*\w+\s*:", "between a key and its value stands =; write key = value"),
    (r"^\[[^\]]*$", "the bracket of the table is not closed; write [name]"),
    (
        r"^\[[^\[\]]*\]\]",
        "a table is written [name], one of a list [[name]]; write as many on both sides",
    ),
    (r"^\[?[\w.-]+( +[\w-]+)+\s*[=\]]", 'a name with a blank stands in quotes; write "name of two words"'),
    (r",\s*\}", "no comma stands before the closing brace; leave it out"),
    (r"\{[^}]*$", "a table in braces stands on one line; write it on one, or as [table] with a line for each key"),
    (r"^[\w.\" -]+\s*(#.*)?$", "no = stands there; write key = value"),
    (r"\{.*\}", "between keys of a table in braces stand commas; write { key = .., other = .. }"),
    (r"=.*\[.*\]", "between entries of a list stand commas; write [1, 2]"),
]
_MESSAGES = [  # of the reader: how it begins, what to say, and what to do
    ("Cannot overwrite a value", "this key stands twice; cannot overwrite a value", "keep one of them"),
    ("Cannot declare", "", "put all keys of a table under one line with its name"),
    ("Cannot mutate", "this table is written in braces already, or stands twice", "put all its keys in one place"),
    ("Unescaped '\\'", "\\ has a meaning of its own in a text", "write / instead, or \\\\, or single quotes around it"),
    ("Illegal character", "", "remove it"),
    ("Unclosed array", "a list is not closed", "write ] behind its last entry"),
    ("Unclosed inline table", "a table in braces is not closed", "write } behind its last key, on the same line"),
]
_CLOSED = {"Unclosed array": "]", "Unclosed inline table": "}"}  # what is there where the reader looks for it too late
_WHAT = {  # other messages of the reader, said of the file
    "Expected newline or end of document after a statement": "something follows the value",
    "Invalid initial character for a key part": "no key stands where one is needed",
    "Invalid statement": "neither a key nor a table",
    "Invalid value": "no value that can be read",
    "Invalid date or datetime": "no date",
}


def toml_told(message: str, line: str) -> tuple[str, str]:
    """What is wrong with a text that is no TOML, and what to write instead.

    Args:
        message: Of the reader, in its words.
        line: On which it stopped.
    """
    told = re.sub(r"\s*\(at (line \d+, column \d+|end of document)\)", "", message).strip().rstrip(".")
    told = re.sub(r"\((?:'[^']*',? ?)+\)", lambda found: _dotted(found.group()), told)
    if _is_open(line) and not told.startswith("Cannot "):
        return "a quotation mark is missing", "write one before and one behind the text"
    for start, words, remedy in _MESSAGES:
        if told.startswith(start) and (start not in _CLOSED or _CLOSED[start] not in line):
            return words or told, remedy
    told = _WHAT.get(told, told)
    for pattern, remedy in _LINES:
        if found := re.search(pattern, line):
            return told, remedy.format(*found.groups()) if "{0}" in remedy else remedy
    return told, "correct it there"


def _dotted(names: str) -> str:
    """A reader's tuple of names as a table's name."""
    return "[" + ".".join(re.findall(r"'([^']*)'", names)) + "]"


def _is_open(line: str) -> bool:
    """Whether a quotation mark has no other."""
    plain = re.sub(r"\\.", "", line)
    plain = re.sub(r"'[^']*'", "", re.sub(r'"[^"]*"', "", plain)).partition("#")[0]
    return '"' in plain or "'" in plain
