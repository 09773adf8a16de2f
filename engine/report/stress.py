"""Stress tests as text and as documents: the decision first, then who bears what, then what made it."""

from dataclasses import asdict, dataclass
from typing import Any

from engine.report.figures import beware
from engine.report.stress_choice import (
    BARE,
    DOING,
    RULELESS,
    amount,
    criterion,
    failing_anyway,
    first_failures,
    gain_told,
    gained,
    is_better,
    is_cut,
    is_ladder,
    rank_unit,
    safe_ends,
    spread_told,
    told_case,
)
from engine.report.stress_choice import TOLD as TOLD
from engine.report.stress_choice import choice as choice
from engine.report.stress_notes import further, how_to_read, next_step, proof
from engine.report.stress_tables import (
    bridge_table,
    cases_table,
    moved_table,
    policies_table,
    quarters_table,
    tornado_table,
    worst_table,
)
from engine.stress.readout import Answer, CaseReading, Reading
from engine.words import COLUMNS, money, percent, plain

SCHEMA = "peso.stress/1"
AS_DEAR = 1e-3  # of what is spent: a difference that is not worth a word
NAMED = 3  # cases of a ladder that the first sentence names


@dataclass(frozen=True)
class Beside:
    """What else was asked of a stress test, as text."""

    first: str = ""  # what tuning found
    after: str = ""  # what a world says
    next_step: str = ""  # what to do, where that follows from it


NOTHING_ELSE = Beside()


def stress_text(found: Answer, width: int = COLUMNS, beside: Beside = NOTHING_ELSE) -> str:
    """A stress test for the terminal, its tables no wider than `width` where that goes."""
    one, every = told_case(found), cases_table(found, width) if len(found.cases) > 1 else ""
    parts = [
        f"{_head(found)}{beside.first}" if beside.first else "",
        decision(found),
        beware(found.warnings),
        every if is_ladder(found) else "",
        policies_table(found, one, width),
        moved_table(found, width),
        *([] if is_ladder(found) else [quarters_table(found, one, width), every]),
        bridge_table(found, width),
        tornado_table(found, width),
        worst_table(found, width),
        beside.after,
        further(found),
        how_to_read(found, one),
        proof(found),
        beside.next_step or next_step(found, one),
    ]
    return "\n\n".join(part for part in parts if part)


def stress_document(found: Answer) -> dict[str, Any]:
    """The content of `stress.json`."""
    one = told_case(found)
    return {
        "schema": SCHEMA,
        "decision": decision(found),
        "next": next_step(found, one).removeprefix("Next: "),
        **asdict(found),
    }


def decision(found: Answer) -> str:
    """What to do, how surely, and what it brings."""
    return _head(found) + (_of_ladder(found) if is_ladder(found) else _of_case(found, told_case(found)))


def _head(found: Answer) -> str:
    return f"{plain(found.scenario)}, {found.span}: "


def _of_case(found: Answer, case: CaseReading) -> str:
    """The policy to choose in one case."""
    first, best = case.policies[0], choice(case)
    where = f"under {found.asked} ({plain(case.name)}, {case.paths:,} paths)"
    if len(found.cases) == 1:
        where = f"under {found.asked} ({case.paths:,} paths)"
    brings = f"brings {spread_told(found, best.outcome)}"
    if best is first:
        others = [one for one in case.policies[1:] if one.policy != BARE]
        what = "profit" if case.by_profit else plain(found.measure)
        told = f"{TOLD[first.policy]}: no other policy that was played surely brings more {what}. " if others else ""
        told += f"{where[0].upper() + where[1:] if others else where}, {DOING[first.policy]} {brings}. "
        return told + _chances(found, case) + _rules(found, case)
    by = " (ranked by profit)" if case.by_profit else ""
    told = f"{TOLD[best.policy]}{by}. {where[0].upper()}{where[1:]} that {brings}, {_beyond(found, case, best)}. "
    return told + _chances(found, case) + _rules(found, case)


def _beyond(found: Answer, case: CaseReading, best: Reading) -> str:
    """What the best policy brings beyond the first one, and beyond an even cut."""
    first, gain, (unit, what) = case.policies[0], gained(best), rank_unit(found, case)
    if gain is None:
        return ""
    told = f"{gain_told(gain, unit, what)} over {DOING[first.policy]}{_money(found, case, best)}"
    told += f", less on {percent(gain.worse)} of the paths"
    if best.over_trim and first.policy != "trim" and best.policy != "trim" and is_cut(case):
        told += f"; {gain_told(best.over_trim, unit, what)} over {DOING['trim']}"
    return told


def _money(found: Answer, case: CaseReading, one: Reading) -> str:
    """What a policy spends and earns beyond the first one in the mean, where that is worth a word."""
    over, told = case.policies[0], ""
    more = one.spend.mean - over.spend.mean
    if abs(more) > AS_DEAR * over.spend.mean:
        told = f", for {money(abs(more), found.currency)} {'more' if more > 0 else 'less'} spend"
    if case.by_profit:
        told += f", {plain(found.measure)} {amount(found, one.outcome.mean - over.outcome.mean, signed=True)}"
    elif one.profit and over.profit:
        told += f", profit {money(one.profit.mean - over.profit.mean, found.currency, signed=True)}"
    return told


def _chances(found: Answer, case: CaseReading) -> str:
    """The chance of the target under the policy to choose, the first one, and without shocks."""
    first, best = case.policies[0], choice(case)
    what = (
        f"the plan's outcome of {amount(found, found.planned.mean)}"
        if found.target is None
        else f"the target of {amount(found, found.target)}"
    )
    other = "" if best is first else f"{percent(first.target)} if you {TOLD[first.policy]}, "
    return f"Chance to reach {what}: {percent(best.target)} ({other}{percent(found.calm)} without shocks)."


def _rules(found: Answer, case: CaseReading) -> str:
    """What the chosen policy breaks, and the next best that breaks less."""
    best, told = choice(case), ""
    if best.broken:
        most = f", most often: {plain(best.unkept[0].rule)}" if best.unkept else ""
        heeds = "It heeds no rule but commitments, and breaks others" if best.policy in RULELESS else "It breaks rules"
        told = f" {heeds} on {percent(best.broken)} of the paths{most}{_lawful(found, case, best)}."
    if best.overspent:
        told += f" On {percent(best.overspent)} of the paths more is committed than there is money for, and it is paid."
    return told


def _lawful(found: Answer, case: CaseReading, best: Reading) -> str:
    """The best of the policies that surely help and break rules less often."""
    milder = [
        one for one in case.policies if one.policy != BARE and is_better(case, one) and one.broken < best.broken / 2
    ]
    if not milder:
        return ""
    other = max(milder, key=lambda one: gain.mean if (gain := gained(one)) else 0.0)
    gain, (unit, what) = gained(other), rank_unit(found, case)
    if gain is None:
        return ""
    breaks = f"breaks some on {percent(other.broken)}" if other.broken else "breaks none"
    over = DOING[case.policies[0].policy]
    return f"; {DOING[other.policy]} {breaks} and brings {gain_told(gain, unit, what)} over {over}"


def _of_ladder(found: Answer) -> str:
    """The cases in which the plan first fails, how far it is safe, and what a policy saves there."""
    (failure, success), failing, anyway = criterion(found), first_failures(found), failing_anyway(found)
    if not failing:
        worst = told_case(found)
        return (
            f"{anyway}held, the plan {success} in all {len(found.cases)} cases; {plain(worst.name)} costs most "
            f"({_lost(found, worst)}).{_saved(found, worst)}"
        )
    first, *more = failing
    told = f"{anyway}held, the plan {failure} first at {plain(first.name)} ({_lost(found, first)})"
    told += _listed("; then at ", [f"{plain(case.name)} ({_change(found, case)})" for case in more])
    safe = _listed(" It is safe as far as ", [plain(case.name) for case in safe_ends(found)])
    return f"{told}.{safe}{'.' if safe else ''}{_saved(found, first)}"


def _listed(head: str, names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{head}{', '.join(names[:NAMED])}{more}" if names else ""


def _change(found: Answer, case: CaseReading) -> str:
    return percent(case.policies[0].outcome.mean / found.planned.mean - 1, signed=True)


def _lost(found: Answer, case: CaseReading) -> str:
    """What a case costs while the plan is held."""
    first = case.policies[0]
    lost = f"{amount(found, first.outcome.mean - found.planned.mean, signed=True)} {plain(found.measure)}"
    profit = f", profit then {money(first.profit.mean, found.currency)}" if first.profit else ""
    return f"{lost}, {_change(found, case)}{profit}"


def _saved(found: Answer, case: CaseReading) -> str:
    """What the best policy saves in a case."""
    first, best = case.policies[0], choice(case)
    if best is first:
        others = len([one for one in case.policies if one.policy != BARE]) > 1
        told = f" At {plain(case.name)} no other policy that was played surely saves any of it."
        return told if others else ""
    return f" At {plain(case.name)} {DOING[best.policy]} brings {_beyond(found, case, best)}.{_rules(found, case)}"
