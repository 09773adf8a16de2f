"""The choice between policies, and which of several cases is told, in the words of a stress test's text."""

from engine.stress.readout import Answer, CaseReading, Gain, Reading, Spread
from engine.words import money, percent, plain

TOLD = {
    "hold": "hold the plan",
    "trim": "cut in proportion",
    "replan": "plan anew each time",
    "trigger": "plan anew on a trigger",
    "reserve": "hold a reserve back",
    "foresight": "know every shock ahead",
}
DOING = {
    "hold": "holding the plan",
    "trim": "cutting in proportion",
    "replan": "planning anew each time",
    "trigger": "planning anew on a trigger",
    "reserve": "holding a reserve back",
    "foresight": "knowing every shock ahead",
}
BARE = "foresight"  # no policy that anybody can choose
RULELESS = ("hold", "trim")  # policies that heed no rule but commitments
NEAR = 1e-4  # of an outcome: what is closer counts as the same


def choice(case: CaseReading) -> Reading:
    """The policy that surely brings most in the mean; the first one unless another surely brings more than a trifle.

    Where the plan is made for profit, or for the value of customers, that is profit, else what the outcome counts.
    """
    first, *others = [one for one in case.policies if one.policy != BARE]
    better = [one for one in others if is_better(case, one)]
    return max(better, key=lambda one: ranked(case, one), default=first)


def is_better(case: CaseReading, one: Reading) -> bool:
    """Whether a policy surely brings more than the first one, and more than a trifle."""
    over, trifle = gained(one), NEAR * abs(sum(quarter.planned for quarter in case.policies[0].quarters))
    return over is not None and over.low > 0 and over.mean > trifle


def is_cut(case: CaseReading) -> bool:
    """Whether an even cut is anything else than the first policy."""
    trim = next((one for one in case.policies if one.policy == "trim"), None)
    return trim is not None and trim.outcome != case.policies[0].outcome


def gained(one: Reading) -> Gain | None:
    """What a policy brings beyond the first one, in what ranks them."""
    return one.over_first or one.gain


def ranked(case: CaseReading, one: Reading) -> float:
    """What policies are ranked by, in the mean."""
    return one.profit.mean if case.by_profit and one.profit else one.outcome.mean


def is_ladder(found: Answer) -> bool:
    """Whether cases stand beside each other, and none of them is what all lead to."""
    return len(found.cases) > 1 and found.cases[-1].family != "together"


def told_case(found: Answer) -> CaseReading:
    """The case that is told in full: all shocks together, or of a ladder the first that fails, or costs most."""
    if not is_ladder(found):
        return found.cases[-1]
    failing = first_failures(found)
    return failing[0] if failing else min(found.cases, key=lambda case: case.policies[0].outcome.mean)


def criterion(found: Answer) -> tuple[str, str]:
    """What it means that a plan fails, and that it does not: by its target, else its profit, else its outcome.

    Where it fails even without shocks, it is to stay near its outcome.
    """
    if found.target is not None and found.planned.mean >= found.target:
        told = f"its target of {amount(found, found.target)}"
        return f"misses {told}", f"reaches {told}"
    if found.target is None and _calm_profit(found) > 0:
        return "loses money", "makes money"
    share, whole = percent(found.band), f"of its {amount(found, found.planned.mean)} {plain(found.measure)}"
    return f"falls more than {share} short {whole}", f"stays within {share} {whole}"


def failing_anyway(found: Answer) -> str:
    """What the plan fails even without shocks, as the begin of a sentence; else empty."""
    if found.target is not None:
        missed = f"the plan misses its target of {amount(found, found.target)} even without shocks; "
        return missed if found.planned.mean < found.target else ""
    return "the plan loses money even without shocks; " if _calm_profit(found) < 0 else ""


def fails(found: Answer, one: Reading) -> bool:
    """Whether what a policy comes to in the mean is a failure (`criterion`)."""
    if found.target is not None and found.planned.mean >= found.target:
        return one.outcome.mean < found.target
    if found.target is None and one.profit and _calm_profit(found) > 0:
        return one.profit.mean < 0
    return one.outcome.mean < found.planned.mean * (1 - found.band)


def _calm_profit(found: Answer) -> float:
    """Profit of the plan without shocks; 0 where none is known."""
    return found.unshocked.profit.mean if found.unshocked and found.unshocked.profit else 0.0


def first_failures(found: Answer) -> list[CaseReading]:
    """Of each ladder the mildest case in which the plan fails while it is held, the smallest change first."""
    failed = {case.name for case in found.cases if fails(found, case.policies[0])}
    first = [case for case in found.cases if case.name in failed and case.harsher_than not in failed]
    lost = {case.name: case.policies[0].outcome.mean for case in first}
    return sorted(first, key=lambda case: (case.size is None, case.size or 0.0, lost[case.name]))


def safe_ends(found: Answer) -> list[CaseReading]:
    """Of each ladder of several cases the harshest one up to which the plan does not fail while it is held."""
    follows = {case.harsher_than: case for case in found.cases if case.harsher_than}
    safe = {case.name for case in found.cases if not fails(found, case.policies[0])}
    several = {name for case in follows.values() for name in (case.name, case.harsher_than)}
    return [
        case
        for case in found.cases
        if case.name in several and case.name in safe and not (case.name in follows and follows[case.name].name in safe)
    ]


def amount(found: Answer, of: float, signed: bool = False) -> str:
    """An amount of outcome."""
    return money(of, found.unit, signed)


def spread_told(found: Answer, of: Spread) -> str:
    """An outcome with its range."""
    return (
        f"{amount(found, of.mean)} {plain(found.measure)} (5-95 %: {amount(found, of.p05)} .. {amount(found, of.p95)})"
    )


def gain_told(gain: Gain, unit: str, what: str = "") -> str:
    """A gain with its interval."""
    low, high = (money(end, unit, signed=True) for end in (gain.low, gain.high))
    return f"{money(gain.mean, unit, signed=True)}{what} (95 % sure: {low} .. {high})"


def rank_unit(found: Answer, case: CaseReading) -> tuple[str, str]:
    """The unit of what ranks policies, and its name with a space before it where it is not what is told anyway."""
    return (found.currency, " profit") if case.by_profit else (found.unit, "")
