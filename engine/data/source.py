"""Bytes of a text file into text: the encoding is known or refused, never guessed silently."""

import re
from typing import Literal

from engine.errors import InputError

Encoding = Literal["utf-8", "utf-16", "latin-1"]

_FOREIGN = (  # first bytes, what such a file is, what to do with it
    (b"PK\x03\x04", "an Excel workbook (xlsx) or another zip archive", "rename it to .xlsx, or export it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (xls)", "save it as .xlsx or export it as CSV"),
    (b"PAR1", "a Parquet file", "rename it to .parquet"),
    (b"\x1f\x8b", "compressed (gzip)", "unpack it first"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"SQLite format 3", "a database", "export the table as CSV"),
)
_PAGE = re.compile(rb"\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_DOCUMENT = re.compile(rb"\s*[\[{]\s*[\"\[{\]}]")


def text_of(raw: bytes, place: str, encoding: Encoding) -> str:
    """The text of a file without its byte order mark.

    Raises:
        InputError: The file is empty, is no text, or is not in the declared encoding (UTF-8 unless declared).
    """
    if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InputError(f"{place}: the file is empty; export the table again")
    for start, kind, remedy in _FOREIGN:
        if raw.startswith(start):
            raise InputError(f"{place}: is not a text table but {kind}; {remedy}")
    if _PAGE.match(raw):
        raise InputError(f"{place}: is a web page or XML, not a table (a login page saved?); download the table as CSV")
    if _DOCUMENT.match(raw):
        raise InputError(f"{place}: is JSON, not a table; export it as CSV, one line per period")
    text = _utf16(raw, place) if encoding == "utf-16" else _eight_bit(raw, place, encoding)
    if "\x00" in text:
        line, column = _position(text, text.index("\x00"))
        raise InputError(
            f"{place}, {line}: a NUL byte (a control character) in {column}: the file is damaged; export it again"
        )
    return text


def _utf16(raw: bytes, place: str) -> str:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        if _is_wide(raw):
            return raw.decode("utf-16-le" if raw[1::2].count(0) > raw[::2].count(0) else "utf-16-be")
    except UnicodeDecodeError as fault:
        raise InputError(f"{place}: byte {fault.start} is not UTF-16; the file is cut off, export it again") from None
    raise InputError(f'{place}: is not UTF-16, as declared; remove encoding = "utf-16" from the model file')


def _is_wide(raw: bytes) -> bool:
    """Whether every second byte is mostly zero, as in UTF-16 text of Latin letters."""
    head = raw[:2000]
    return max(head[::2].count(0), head[1::2].count(0)) > 0.3 * len(head)


def _eight_bit(raw: bytes, place: str, encoding: Encoding) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_wide(raw):
        raise InputError(
            f'{place}: its encoding is UTF-16; save it as CSV UTF-8, or declare encoding = "utf-16" under [data]'
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return _latin(raw, place, encoding, fault.start)
    if encoding == "latin-1" and not text.isascii():
        raise InputError(f'{place}: is UTF-8, not Latin-1 as declared; remove encoding = "latin-1" from the model file')
    return text


def _latin(raw: bytes, place: str, encoding: Encoding, start: int) -> str:
    """Text in Windows-1252, the Latin-1 that spreadsheets write, if that was declared."""
    line = _line(raw, start)
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as fault:
        at = _line(raw, fault.start)
        raise InputError(
            f"{place}, line {at}: byte {raw[fault.start]:#04x} is neither UTF-8 nor Latin-1; save the file as CSV UTF-8"
        ) from None
    if encoding == "latin-1":
        return text
    around = raw[max(0, start - 10) : start + 10].decode("cp1252")
    raise InputError(
        f"{place}, line {line}: byte {raw[start]:#04x} (in {around!r}) is not UTF-8; the encoding "
        f'may be Latin-1 (Windows-1252): save the file as CSV UTF-8, or declare encoding = "latin-1" under [data]'
    )


def _line(raw: bytes, start: int) -> int:
    """The line on which a byte stands."""
    return len((raw[:start] + b"x").splitlines())


def _position(text: str, index: int) -> tuple[str, str]:
    """The line and the column of a character, the column by its name in the first line."""
    lines = re.split(r"\r\n|\r|\n", text[:index])
    separator = max(",;\t|", key=lines[0].count)
    header = re.split(r"\r\n|\r|\n", text)[0].split(separator)
    count = lines[-1].count(separator)
    name = header[count] if len(lines) > 1 and count < len(header) else ""
    return f"line {len(lines)}", f"column {name.strip() or str(count + 1)!s}"
