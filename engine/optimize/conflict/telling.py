"""Rules in conflict and their remedies in words: what is said, and the new limits as they are typed."""

import math
import re
from collections.abc import Sequence

from engine.optimize.conflict.repair import Relaxation
from engine.optimize.over_time.decision_rules import RAMP
from engine.optimize.rules import Rule
from engine.words import percent, plain

MOST = 8  # rules in conflict that a message names, those that differ in their date alone as one
DATED = re.compile(r" (from|into) \d{4}-\d\d-\d\d")
DIGITS = 15  # after the decimal point at the most
EXACT = 1e-12  # of a limit: what arithmetic may have added to it


class Telling:
    """How the limits of one problem are told: each with as many digits as its remedies need to be seen."""

    def __init__(self, rules: Sequence[Rule], currency: str, amounts: Sequence[float]) -> None:
        self.currency, self.budget = currency, rules[0]
        self.places = max(2, *(_places(amount) for amount in amounts), 2)

    def clash(self, rules: Sequence[Rule]) -> str:
        """The rules in conflict with their limits: of rules alike by decision the first, and of many the first few."""
        alike: dict[str, list[str]] = {}
        for rule in rules:
            told = plain(self.limit(rule))
            alike.setdefault(DATED.sub("", told), []).append(told)
        shown = [_with_count(one, len(rest)) for one, *rest in list(alike.values())[:MOST]]
        left = sum(len(one) for one in list(alike.values())[MOST:])
        return "; ".join([*shown, *([f"and {left} more rule{'s' * (left > 1)}"] if left else [])])

    def cures(self, items: Sequence[Relaxation], between: str) -> str:
        """Remedies, of which one is enough or all are needed."""
        return between.join(plain(self.remedy(item)) for item in items)

    def limit(self, rule: Rule) -> str:
        """A rule with its limit."""
        if rule.flight or rule.step:
            return f"{rule.name} {self._money(rule.flight or rule.step)}"
        if rule.active:
            number = rule.active.most if rule.active.most is not None else rule.active.least
            return f"{rule.name} = {number}" + f" with {self._money(rule.active.each)} each" * (rule.active.each > 0)
        fixed = rule.low == rule.high
        sign, limit = ("=", rule.low) if fixed else ("<=", rule.high) if rule.high < math.inf else (">=", rule.low)
        if _is_share(rule):
            return f"{rule.name} {sign} {percent(-float(rule.weights.min()))} of all spend"
        if rule.weights.min() < 0:
            return rule.name  # a rule between decisions: its name says it
        if math.isfinite(rule.low) and math.isfinite(rule.high) and not fixed:
            return f"{rule.name} between {self._money(rule.low)} and {self._money(rule.high)}"
        of_total = f" ({percent(rule.share)} of all spend)" if rule.share else ""
        return f"{rule.name} {sign} {self._money(limit)}{of_total}"

    def remedy(self, item: Relaxation) -> str:
        """What to change on one rule: by how much, and to which limit, because that is what is typed."""
        rule = item.rule
        if rule.weights.min() < 0:
            return f"ease {self._gift(item)}"
        if rule.name.startswith("no date on which "):
            return f"open a date for {self._money(_rounded(item.amount, self.places, True))}: {rule.name}"
        return f"{'raise' if item.upwards else 'lower'} {self._gift(item)}"

    def given(self, items: Sequence[Relaxation]) -> str:
        """What gave way and by how much: of ramps, and of rules alike by decision, that which gave most."""
        alike: dict[str, list[Relaxation]] = {}
        for item in sorted(items, key=lambda item: -item.amount):
            name = item.rule.name
            alike.setdefault(RAMP if name.startswith(f"{RAMP} ") else DATED.sub("", name), []).append(item)
        return "; ".join(_with_count(plain(self._gift(one)), len(rest)) for one, *rest in alike.values())

    def _gift(self, item: Relaxation) -> str:
        """By how much a rule gives way, and to which limit."""
        rule = item.rule
        if rule.weights.min() < 0:
            to = f", to {_share_left(item)}" if _is_share(rule) else ""
            return f"{rule.name} by {self._money(_rounded(item.amount, self.places, True))} of spend{to}"
        old, new = rule.flight or (rule.high if item.upwards else rule.low), item.limit
        if rule.share:  # of the total that is spent then
            old = rule.share * float(self.budget.weights @ item.spend)
            new = old + item.signed
        new = _rounded(max(0.0, new), self.places, item.upwards)
        return f"{rule.name} by {self._money(abs(new - old))} to {self._money(new)}{_as_typed(item, old)}"

    def _money(self, amount: float) -> str:
        """An amount with as many digits as are needed, and at least to the cent or as a whole; none is told as none."""
        places = self.places if round(amount, self.places) or not amount else _places(abs(amount))
        whole, _, rest = f"{amount:,.{places}f}".partition(".")
        rest = rest.rstrip("0")
        text = f"{whole}.{rest.ljust(2, '0')}" if rest else whole
        return f"{self.currency} {text}".strip()


def _with_count(told: str, others: int) -> str:
    return f"{told} (and {others} more like it)" if others else told


def _as_typed(item: Relaxation, old: float) -> str:
    """The new limit in the unit in which the scenario has it, where that is not money."""
    rule, grown = item.rule, 1 + item.signed / old if old else 1.0
    if rule.typed:
        return f" ({rule.typed(item.limit)})"
    if rule.share:
        return f" ({_percent(rule.share * grown, item.upwards)} of all spend)"
    of_what = re.search(r"([\d.]+) % of (history|the last plan)( from [\d-]+)?$", rule.name)
    if not of_what or not old:
        return ""
    return f" ({_percent(float(of_what[1]) / 100 * grown, item.upwards)} of {of_what[2]})"


def _places(amount: float) -> int:
    """Digits after the point by which an amount shows two figures."""
    return min(DIGITS, 2 if amount >= 1 else 2 - math.floor(math.log10(amount)))


def _rounded(limit: float, places: int, upwards: bool) -> float:
    """A limit with so many digits, rounded to where it is easier to keep."""
    unit = 10.0**places
    noise = max(1e-6, EXACT * abs(limit) * unit)
    return (math.ceil(limit * unit - noise) if upwards else math.floor(limit * unit + noise)) / unit


def _percent(share: float, upwards: bool) -> str:
    """A share to a hundredth of a percent, rounded to where it is easier to keep.

    >>> _percent(0.12345, upwards=True), _percent(0.3, upwards=False)
    ('12.35 %', '30 %')
    """
    return f"{100 * _rounded(max(0.0, share), 4, upwards):.2f}".rstrip("0").rstrip(".") + " %"


def _is_share(rule: Rule) -> bool:
    """Whether a rule is about a share of a total that is not fixed."""
    return bool(rule.weights.min() < 0) and bool(re.match("((least|most) )?share of ", rule.name))


def _share_left(item: Relaxation) -> str:
    """The share that a rule has left of what is spent once it has given way."""
    share = -float(item.rule.weights.min())
    total = float(item.spend.sum())
    found = share + float(item.rule.weights @ item.spend) / total if total else share
    return _percent(found, item.upwards)
