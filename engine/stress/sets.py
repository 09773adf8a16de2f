"""Stress sets: named sets of shocks that a plan is put through, from milder to harsher, and each of its own alone."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.shocks import Shock, Spread
from engine.errors import InputError
from engine.optimize.selecting import require_known
from engine.optimize.shocked import strength
from engine.periods import PER_YEAR, step
from engine.stress.luck import sized
from engine.stress.setting import Setting

CUTS = (5, 10, 15, 20, 30, 40)  # of the budget [%]
DEARER, DEARER_ALONE = (10, 20, 30, 50), 20  # prices of all paid channels, and of one [%]
WEAKER = 50  # effect of one channel [%]
FEWER_BUY = (10, 20, 30)  # demand [%]
FEWER_SELL = (10, 25, 50)  # people [%]
LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95  # points of a spread
IDLE = 1e-9  # of all money: a channel with less has nothing to lose
LONGEST_NAME = 200  # letters of a shock's name
TOGETHER, BY_CHANCE, PAST = "all shocks together", "all shocks by chance", "past years"  # names of cases
RESERVED = (TOGETHER, BY_CHANCE, PAST, "the plan", "draws that were played", "comes to")  # in tables beside shocks
OF_MONEY = ("price", "outage", "budget")  # kinds that do nothing where no money is spent


@dataclass(frozen=True)
class Case:
    """Shocks that come together, surely and each of one size."""

    name: str
    family: str  # cases that people read beside each other
    shocks: tuple[Shock, ...]
    harsher_than: str | None = None  # the milder case of the same ladder that it follows; None: the plan itself


def ladder(setting: Setting) -> tuple[Case, ...]:
    """The cases that every plan is put through, each family from its mildest case to its harshest.

    Channels with parts are one, and those that the plan gives no money are left out: they have nothing to lose.
    """
    spent = _spent(setting)
    paid = [one.name for one in setting.curves.channels if one.kind == "paid" and (one.part_of or one.name) in spent]
    cases = [*_rungs(("budget", "budget", f" from {setting.days[0]}"), {"kind": "budget"}, _falls(CUTS))]
    if half := _second_half(setting):
        about = ("budget in the second half", "budget", f" from {half}")
        cases += _rungs(about, {"kind": "budget", "from": half}, _falls(CUTS))
    for name in spent:
        cases += _rungs(("effectiveness", f"{name} effect", ""), _on("effectiveness", name), _falls((WEAKER,)))
    cases += [_off(setting, name, money) for name, money in spent.items()]
    if paid:
        cases += _rungs(("prices", "prices of all paid channels", ""), _on("price", *paid), DEARER)
    for name in spent:
        cases += _rungs(("price", f"{name} price", ""), _on("price", name), (DEARER_ALONE,))
    cases += _rungs(("demand", "demand", ""), {"kind": "demand"}, _falls(FEWER_BUY))
    if setting.planned.stress.sales:
        cases += _rungs(("people", "people who sell", ""), {"kind": "capacity"}, _falls(FEWER_SELL))
    return tuple(cases)


def singles(setting: Setting) -> tuple[Case, ...]:
    """Each shock that the plan does not reckon with, alone: as it is, or at its middle where chance decides.

    Raises:
        InputError: A shock is on a channel that the curves do not have, or can touch no period.
    """
    return tuple(Case(name, "shock", (_at(setting, shock, MIDDLE),)) for name, shock in _surprises(setting))


def together(setting: Setting) -> Case:
    """All of `singles` at once.

    Raises:
        InputError: As for `singles`.
    """
    shocks = tuple(shock for case in singles(setting) for shock in case.shocks)
    return Case(TOGETHER, "together", shocks)


def tornado_ends(setting: Setting) -> tuple[tuple[Case, Case], ...]:
    """The low and the high end of each of `singles`: at the 5 and the 95 % point of its factor, if it has a spread.

    A factor that is known is no doubt about its size, so such a shock's ends are the plan without it, and it. What
    chance decides beside the factor is at its middle in both: it comes, and at the middle of its dates.

    Raises:
        InputError: As for `singles`.
    """
    return tuple(_ends(setting, name, shock) for name, shock in _surprises(setting))


def _rungs(about: tuple[str, str, str], fields: dict[str, Any], changes: Iterable[int]) -> Iterator[Case]:
    """Cases of one shock, by rising size.

    Args:
        about: Their family, and their names before and after the size.
        fields: Of the shock, without name and factor.
        changes: Of its factor [%].
    """
    family, before, after = about
    milder = None
    for change in changes:
        name = f"{before} {change:+d} %{after}"
        yield Case(name, family, (_shock(name, fields | {"factor": 1 + change / 100}),), milder)
        milder = name


def _falls(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-size for size in sizes)


def _on(kind: str, *channels: str) -> dict[str, Any]:
    return {"kind": kind, "channels": channels}


def _shock(name: str, fields: dict[str, Any]) -> Shock:
    return Shock.model_validate({"name": name[:LONGEST_NAME], **fields})


def _off(setting: Setting, name: str, money: Float[np.ndarray, " period"]) -> Case:
    """A channel without the quarter in which the plan spends most on it."""
    first, after = _richest_quarter(setting, money)
    told = f"{name} off {first} to {after - timedelta(days=1)}"
    return Case(told, "outage", (_shock(told, _on("outage", name) | {"from": first, "until": after}),))


def _spent(setting: Setting) -> dict[str, Float[np.ndarray, " period"]]:
    """What the plan spends by period on each channel, parts of one together, without those that get nothing."""
    found: dict[str, Float[np.ndarray, " period"]] = {}
    for at, channel in enumerate(setting.curves.channels):
        name = channel.part_of or channel.name
        found[name] = found.get(name, 0.0) + setting.money[:, at]
    return {name: money for name, money in found.items() if money.sum() > IDLE * setting.money.sum()}


def _second_half(setting: Setting) -> date | None:
    """First day of the decision that begins nearest to the middle; without one, of the period there."""
    middle = setting.periods / 2
    inner = setting.grid.edges[1:-1]
    at = min(inner, key=lambda edge: abs(edge - middle)) if inner else math.ceil(middle)
    return setting.days[at] if at < setting.periods else None


def _richest_quarter(setting: Setting, money: Float[np.ndarray, " period"]) -> tuple[date, date]:
    """First day of the quarter of the horizon with the most of some money, and the first day after it."""
    days = setting.grid.days
    if PER_YEAR[setting.curves.period] < PER_YEAR["quarter"]:
        longest = days[int(np.argmax(money))]
        return longest, step(longest, 1, "quarter")
    begins = [day for number in range(len(days)) if (day := step(days[0], number, "quarter")) < days[-1]]
    edges = sorted({int(np.searchsorted(np.array(days), np.array(day))) for day in begins} - {setting.periods})
    best = int(np.argmax(np.add.reduceat(money, edges)))
    return days[edges[best]], days[[*edges, setting.periods][best + 1]]


def _surprises(setting: Setting) -> list[tuple[str, Shock]]:
    """The shocks that the plan does not reckon with, by names of their own."""
    require_known(setting.curves, setting.planned)
    shocks = [shock for shock in setting.planned.shocks if not shock.expected]
    for shock in shocks:
        _require_own_name(setting, shock)
        _require_touching(setting, shock)
    return list(zip(told_apart([shock.name for shock in shocks]), shocks, strict=True))


def told_apart(names: Iterable[str]) -> tuple[str, ...]:
    """Names, of which none is there twice.

    >>> told_apart(["cut", "cut", "dear"])
    ('cut', 'cut (2)', 'dear')
    """
    found: dict[str, None] = {}
    for wanted in names:
        found[next(name for name in _numbered(wanted) if name not in found)] = None
    return tuple(found)


def _require_own_name(setting: Setting, shock: Shock) -> None:
    """Refuse a shock by whose name tables call something else."""
    if " ".join(shock.name.split()).lower() in RESERVED:
        raise InputError(
            f"scenario {setting.planned.name!r}: shock {shock.name!r} has a name by which a stress test calls "
            "something else; give it another one"
        )


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in itertools.count(2))


def _require_touching(setting: Setting, shock: Shock) -> None:
    """Refuse a shock that can touch no period in which it could do anything."""
    if len(too_late(setting, shock)) < shock.within:
        return
    rows, days, period = _rows(setting, shock), setting.days[: _rows(setting, shock)], setting.curves.period
    when = [f"{word} {day}" for word, day in (("from", shock.first), ("until", shock.last)) if day]
    if shock.within > 1:
        when.append(f"within {shock.within} {period}s")
    place = "the horizon and its tail" if rows > setting.periods else "the horizon"
    last = step(step(days[-1], 1, period), -1, "day")
    raise InputError(
        f"scenario {setting.planned.name!r}: shock {shock.name!r} ({', '.join(when)}) lies outside {place}, "
        f"{days[0]} to {last}, and would change nothing; correct its dates, or leave it out"
    )


def too_late(setting: Setting, shock: Shock) -> tuple[int, ...]:
    """Periods by which a shock may begin later than written so that it touches none in which it could do anything."""
    days, period = setting.days[: _rows(setting, shock)], setting.curves.period
    moves = {0, shock.shift or 0} if shock.kind == "season" else {0}

    def touches(later: int) -> bool:
        return any(strength(shock, days, period, later + move).any() for move in moves)

    return tuple(later for later in range(shock.within) if not touches(later))


def middle(shock: Shock) -> int:
    """Periods by which a shock begins later than written where it begins in the middle of its dates."""
    return shock.within // 2


def _rows(setting: Setting, shock: Shock) -> int:
    """The rows in which a shock could do anything."""
    return setting.periods if shock.kind in OF_MONEY else setting.rows


def _ends(setting: Setting, name: str, shock: Shock) -> tuple[Case, Case]:
    if not isinstance(shock.factor, Spread):
        return Case(f"{name}: without", "shock", ()), Case(name, "shock", (_at(setting, shock, MIDDLE),))
    low, high = (
        Case(f"{name}: {100 * share:.0f} % point", "shock", (_at(setting, shock, share),)) for share in (LOW, HIGH)
    )
    return low, high


def _at(setting: Setting, shock: Shock, share: float) -> Shock:
    """A shock that surely comes, at a point of its factor's spread and in the middle of its dates."""
    if not shock.is_random:
        return shock
    factor = None if shock.factor is None else float(sized(shock, np.array([share]))[0])
    dates: dict[str, date] = {}
    if later := middle(shock):
        period = setting.curves.period
        dates["first"] = step(shock.first or setting.days[0], later, period)
        dates |= {"last": step(shock.last, later, period)} if shock.last else {}
    return shock.model_copy(update={"factor": factor, "chance": 1.0, "within": 1, **dates})
