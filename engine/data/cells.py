"""Cells of text into numbers: one strict grammar, and a sentence for everything outside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from engine.config.model import Data, text_literal
from engine.data.table import MOST_ALIKE, Table, shown

LARGEST_NUMBER = 1e18  # of one cell: above any budget in any currency, far below overflow of a sum
_PLAIN = frozenset("0123456789.+-eE")
MISSING = frozenset(
    ("n/a", "na", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "n.a.", "k.a.", "missing", "unknown")
)
_ERRORS = ("#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!")
_TRUTHS = frozenset(("true", "false", "yes", "no", "wahr", "falsch", "vrai", "faux", "t", "f", "y", "n"))
_SIGNS = re.compile(
    r"[$€£¥₹₽₩₺₪฿¢]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|BRL|kr|Fr)\b", re.IGNORECASE
)
_ODD_SPACES = ("\u00a0", "\u202f", "\u2009", "\u2007")
_GROUPS = {" ": "[ \u00a0\u202f\u2009]", "'": "['’]", ",": ",", ".": r"\."}


@dataclass(frozen=True)
class Style:
    """How a column's numbers are written and what they may be."""

    decimal: str = "."
    thousands: str | None = None
    sign: str = ""  # a currency sign that means nothing more
    missing: tuple[str, ...] = ()  # texts that say the same as a blank cell
    blank: Literal["refuse", "zero", "never"] = "refuse"  # never: no declaration turns it into a zero
    may_be_negative: bool = True
    may_be_zero: bool = True
    highest: float = LARGEST_NUMBER

    def pattern(self) -> re.Pattern[str]:
        """The whole grammar of a number in this style."""
        point = re.escape(self.decimal)
        whole = r"[0-9]+"
        if self.thousands:
            whole = rf"(?:[0-9]{{1,3}}(?:{_GROUPS[self.thousands]}[0-9]{{3}})+|[0-9]+)"
        return re.compile(rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?")


def style_of(data: Data, table: Table) -> Style:
    """The declared way of writing numbers; a typed file has its own."""
    if table.typed:
        return Style(missing=data.missing)
    return Style(data.decimal, data.thousands, data.currency_sign or "", data.missing)


def numbers(table: Table, column: str, style: Style) -> tuple[Float[np.ndarray, " row"], int, list[str]]:
    """The numbers of a column, how many blank cells count as zero, and what is wrong with the first bad cells."""
    texts = table.columns[column]
    values = _quick(texts) if style.decimal == "." else None
    blanks, bad = 0, np.zeros(len(texts), dtype=bool)
    if values is None:
        values, blanks, bad = _one_by_one(texts, style)
    bad |= ~_allowed(values, style)
    rows = [int(row) for row in np.flatnonzero(bad)]
    faults = [f"{table.at(row, column)}: {_reason(texts[row], style, table.typed)}" for row in rows[:MOST_ALIKE]]
    if len(rows) > MOST_ALIKE:
        faults.append(f"... and {len(rows) - MOST_ALIKE} more cells of column {shown(column)}")
    return values, blanks, faults


def _quick(texts: Sequence[str]) -> Float[np.ndarray, " row"] | None:
    """All numbers at once where every cell is written plainly; else nothing."""
    if not _PLAIN.issuperset("".join(texts)):
        return None
    try:
        return np.array([float(text) for text in texts])
    except ValueError:
        return None


def _one_by_one(texts: Sequence[str], style: Style) -> tuple[Float[np.ndarray, " row"], int, Bool[np.ndarray, " row"]]:
    """Each cell by the grammar: its number, how many blanks count as zero, and which cells are no numbers."""
    grammar = style.pattern()
    values, bad, blanks = np.zeros(len(texts)), np.zeros(len(texts), dtype=bool), 0
    for row, text in enumerate(texts):
        written = _bare(text, style)
        if grammar.fullmatch(written):
            values[row] = float(_standard(written, style))
        elif style.blank == "zero" and (not written or text.strip() in style.missing):
            blanks += 1
        else:
            bad[row] = True
    return values, blanks, bad


def _bare(text: str, style: Style) -> str:
    """A cell without outer spaces and without the declared currency sign."""
    written = text.strip(" \t")
    if style.sign:
        minus = "-" if written.startswith("-") else ""
        written = minus + written.removeprefix("-").removeprefix(style.sign).removesuffix(style.sign).strip(" \t")
    return written


def _standard(written: str, style: Style) -> str:
    if style.thousands:
        written = re.sub(_GROUPS[style.thousands], "", written)
    return written.replace(style.decimal, ".")


def _allowed(values: Float[np.ndarray, " row"], style: Style) -> np.ndarray:
    allowed = np.isfinite(values) & (np.abs(values) <= style.highest)
    if not style.may_be_negative:
        allowed &= values >= 0
    if not style.may_be_zero:
        allowed &= values != 0
    return allowed


def _reason(text: str, style: Style, typed: bool) -> str:
    """Why a cell is refused: its spelling, or else its size."""
    bare = _bare(text, style)
    if not style.pattern().fullmatch(bare):
        return why_not(text, style, typed)
    if bare.startswith("-") and not style.may_be_negative:
        return f"{shown(bare)} is negative; write 0 or more, and book credits and refunds where they belong"
    if not style.may_be_zero and not any(digit in bare for digit in "123456789"):
        return f"{shown(bare)} is zero; write a number above zero, or leave the column out of the model file"
    return f"{shown(bare)} is too large (above {style.highest:g}); correct it"


def why_not(text: str, style: Style, typed: bool = False) -> str:
    """Why a cell is no number, and what to do: the end of a message that begins with its place.

    >>> print(why_not("lots", Style()))
    'lots' is not a number; write a plain number such as 1234.5
    """
    bare = text.strip()
    plain = bare.casefold()
    quote = shown(bare)
    if not bare or bare in style.missing:
        return _blank_reason(text, style)
    if plain in MISSING or plain in _ERRORS:
        return _missing_reason(bare, style)
    if plain.lstrip("+-") in ("inf", "infinity", "∞"):
        return f"{quote} is infinite; write a finite number"
    if plain in _TRUTHS:
        return f"{quote} is true or false, not a number; write an amount, or 1 and 0"
    return _spelling_reason(bare, style, typed)


def _blank_reason(text: str, style: Style) -> str:
    what = "the cell is blank" if not text.strip() else f"{shown(text)} means missing"
    if style.blank == "never":
        return f"{what}, and missing is not zero; fill it, or leave this row out of the file"
    return f'{what}, and missing is not zero; write 0 if there was nothing, or declare blank = "zero" under [data]'


def _missing_reason(bare: str, style: Style) -> str:
    what = f"{shown(bare)} means missing, and missing is not zero"
    if style.blank == "never":
        return f"{what}; write the number, or leave this row out of the file"
    also = "" if style.blank == "zero" else ' and blank = "zero"'
    return f"{what}; write 0 if there was nothing, or declare missing = [{text_literal(bare)}]{also} under [data]"


def _spelling_reason(bare: str, style: Style, typed: bool) -> str:
    quote = shown(bare)
    if typed and Style(decimal=",", thousands=".").pattern().fullmatch(bare):
        return f"{quote} is stored as text in the workbook; store it as a number"
    if bare.endswith(("%", "٪")):
        return f"{quote} has a percent sign; write it as a plain number, 0.05 for 5 %"
    if re.fullmatch(r"\([^()]*[0-9][^()]*\)|[^-]*[0-9]-", bare):
        return f"{quote} looks like an accounting negative; write it with a minus in front, such as -5"
    sign = _SIGNS.search(bare)
    if sign and any(letter.isdigit() for letter in bare):
        written = text_literal(sign.group())
        return f"{quote} has a currency sign; remove it, or declare currency_sign = {written} under [data]"
    if bare[:1] in "\u2212\u2013\u2014" and bare[1:2].isdigit():
        return f"{quote} begins with a typographic dash; write a minus (-)"
    return _separator_reason(bare, style)


def _separator_reason(bare: str, style: Style) -> str:
    quote = shown(bare)
    odd = next((space for space in _ODD_SPACES if space in bare), None)
    digits = re.fullmatch(r"[+-]?[0-9][0-9.,'’ \u00a0\u202f\u2009]*", bare)
    if odd:
        return f'{quote} holds a no-break space; remove it, or declare thousands = " " under [data]'
    if digits and re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+", bare) and style.decimal == ".":
        return f'{quote} has commas: declare thousands = "," under [data] if they group digits, or decimal = ","'
    if digits and re.fullmatch(r"[+-]?[0-9]+,[0-9]+", bare) and style.decimal == ".":
        return f'{quote} has a decimal comma; declare decimal = "," under [data], or write a point'
    if digits and style.decimal == "," and re.fullmatch(r"[+-]?[0-9]*\.[0-9]+", bare):
        return f'{quote} has a decimal point where decimal = "," is declared; write it with a comma, or correct decimal'
    if digits:
        fits = next((other for other in _OTHER_STYLES if other.pattern().fullmatch(bare)), None)
        if fits:
            return f"{quote} groups its digits; declare {_declared(fits)} under [data], or write plain digits"
        return f"{quote} mixes separators; write a plain number such as 1234{style.decimal}5"
    return f"{quote} is not a number; write a plain number such as 1234{style.decimal}5"


_OTHER_STYLES = tuple(
    Style(decimal=decimal, thousands=group)
    for group in (",", ".", "'", " ")
    for decimal in (".", ",")
    if group != decimal
)


def _declared(style: Style) -> str:
    return f'thousands = "{style.thousands}" and decimal = "{style.decimal}"'
