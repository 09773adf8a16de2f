"""Numbers and names as people read them, in one place."""

import math


def money(amount: float, currency: str, signed: bool = False) -> str:
    """An amount with its currency, rounded for reading; with its sign where a change is meant.

    >>> money(1234567.0, "USD"), money(-950.0, "EUR"), money(0.25, "USD", signed=True)
    ('USD 1.23 m', 'EUR -950', 'USD +0.25')
    """
    sign = "+" if signed and amount > 0 else ""
    return f"{currency} {sign}{number(amount)}".strip()


def number(amount: float) -> str:
    """A number of about three figures with its thousands named.

    >>> [number(x) for x in (0.0, 12.0, 1234.5, 65_000.0, 2.5e9, 3e13)]
    ['0', '12', '1,234', '65.0 k', '2.50 bn', '30.0 tn']
    """
    if not math.isfinite(amount):
        return "unknown"
    size = abs(amount)
    for limit, unit, name in ((1e12, 1e12, " tn"), (1e9, 1e9, " bn"), (1e6, 1e6, " m"), (1e4, 1e3, " k")):
        if size >= limit * 0.9995:
            scaled = float(f"{amount / unit:.3g}")
            places = max(0, 2 - math.floor(math.log10(abs(scaled))))
            return f"{scaled:.{places}f}{name}"
    whole = size >= 100 or amount == round(amount)
    return f"{amount + 0.0:,.0f}" if whole else f"{amount:.3g}"


def percent(share: float, signed: bool = False) -> str:
    """A share as a percentage.

    >>> percent(0.1234), percent(0.05, signed=True), percent(-0.00001, signed=True)
    ('12.3 %', '+5.0 %', '0.0 %')
    """
    rounded = round(100 * share, 1)
    if rounded == 0:
        return "0.0 %"
    return f"{rounded:+.1f} %" if signed else f"{rounded:.1f} %"


def points(difference: float, places: int) -> str:
    """How far a share or a chance is from another one, in points of a hundred.

    >>> points(0.649 - 0.548, 1)
    '10.1 points'
    """
    return f"{100 * difference:.{places}f} points"


def plain(text: str) -> str:
    """Text from data with everything made visible that a terminal would obey.

    >>> plain("tv\\x1b[31m")
    'tv\\\\x1b[31m'
    """
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def table(header: list[str], rows: list[list[str]], width: int | None = None) -> str:
    """A plain table: the first column to the left, all others to the right.

    >>> print(table(["channel", "spend"], [["tv", "12"], ["search", "3"]]))
    channel  spend
    tv          12
    search       3
    """
    cells = [[plain(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in cells
    ]
    return "\n".join(line[:width] if width else line for line in lines)


COLUMNS = 80  # of a terminal


def folded(header: list[str], rows: list[list[str]], width: int = COLUMNS) -> str:
    """A table as several below each other, each no wider than `width` where that goes, all with the first column.

    The others are dealt out as evenly as they fit.

    >>> print(folded(["channel", "May", "June"], [["tv", "12", "7"]], width=13))
    channel  May
    tv        12
    <BLANKLINE>
    channel  June
    tv          7
    """
    lines = [header, *rows]
    name, *others = (max(len(plain(row[column])) for row in lines) for column in range(len(header)))
    for blocks in range(1, max(len(others), 1) + 1):
        each = -(-len(others) // blocks)
        parts = [slice(begin, begin + each) for begin in range(1, len(header), each)]
        if all(name + sum(2 + wide for wide in others[part.start - 1 : part.stop - 1]) <= width for part in parts):
            break
    tables = [table([header[0], *header[part]], [[row[0], *row[part]] for row in rows]) for part in parts]
    return "\n\n".join(tables)


def exact(amount: float, currency: str) -> str:
    """An amount to the cent, for limits that people type.

    >>> exact(500.0, "USD"), exact(1234.5, "EUR")
    ('USD 500', 'EUR 1,234.50')
    """
    text = f"{amount:,.2f}"
    return f"{currency} {text.removesuffix('.00')}".strip()
