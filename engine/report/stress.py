"""Stress tests as text and as documents: the decision first, then who bears what, then what made it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engine.report.figures import beware
from engine.stress.readout import Answer, CaseReading, Gain, Reading, Spread
from engine.words import folded, money, number, percent, plain

SCHEMA = "peso.stress/1"
TOLD = {
    "hold": "hold the plan",
    "trim": "cut in proportion",
    "replan": "plan anew each time",
    "trigger": "plan anew on a trigger",
    "reserve": "hold a reserve back",
    "foresight": "know every shock ahead",
}
BARE = "foresight"  # no policy that anybody can choose
RULELESS = ("hold", "trim")  # policies that heed no rule but commitments
DUST = 1e-9  # of the plan: a bar that is rounding
NEAR = 1e-4  # of an outcome: what is closer counts as the same
AS_DEAR = 1e-3  # of what is spent: a difference that is not worth a word
MOST_ROWS = 60  # of a table


def stress_text(found: Answer) -> str:
    """A stress test for the terminal."""
    several = len(found.cases) > 1
    parts = [
        decision(found),
        beware(found.warnings),
        _cases(found) if several else _policies(found, found.cases[0]),
        "" if several else _quarters(found.cases[0]),
        _bridge(found),
        _tornado(found),
        _worst(found),
        _further(found),
        _proof(found),
    ]
    return "\n\n".join(part for part in parts if part)


def stress_document(found: Answer) -> dict[str, Any]:
    """The content of `stress.json`."""
    return {"schema": SCHEMA, "decision": decision(found), **asdict(found)}


def decision(found: Answer) -> str:
    """What to do, how surely, and what it brings."""
    head = f"{plain(found.scenario)}, {found.span}: "
    if len(found.cases) > 1:
        return head + _of_cases(found)
    one = found.cases[0]
    best = choice(one)
    told = f"the plan is to bring {_amount(found, found.planned.mean)} {plain(found.measure)}; "
    hold = one.policies[0]
    told += f"under {found.asked} ({one.paths:,} paths) it brings {_range(found, hold.outcome)} if you "
    told += f"{TOLD[hold.policy]}, {_target(found, hold)} ({percent(found.calm)} without shocks). "
    return head + told + _advice(found, one, best)


def choice(case: CaseReading) -> Reading:
    """The policy that surely brings most in the mean; the first one unless another surely brings more than a trifle."""
    first, *others = [one for one in case.policies if one.policy != BARE]
    trifle = NEAR * abs(sum(quarter.planned for quarter in first.quarters))
    better = [one for one in others if one.gain and one.gain.low > 0 and one.gain.mean > trifle]
    return max(better, key=lambda one: one.outcome.mean, default=first)


def _advice(found: Answer, case: CaseReading, best: Reading) -> str:
    if best.gain is None:
        others = [one for one in case.policies[1:] if one.policy != BARE]
        return "No other policy that was played surely brings more: stay with the plan." if others else ""
    over = f"over that{_money(found, best, case.policies[0])}"
    return (
        f"{TOLD[best.policy].capitalize()}: {_gain(found, best.gain)} {over}, "
        f"{_target(found, best)}, less on {percent(best.gain.worse)} of the paths."
    )


def _money(found: Answer, one: Reading, over: Reading) -> str:
    """What a policy spends and earns beyond another in the mean, where that is worth a word."""
    more, told = one.spend.mean - over.spend.mean, ""
    if abs(more) > AS_DEAR * over.spend.mean:
        told = f", for {money(abs(more), found.currency)} {'more' if more > 0 else 'less'} spend"
    if one.profit and over.profit:
        told += f", profit {money(one.profit.mean - over.profit.mean, found.currency, signed=True)}"
    return told


def _of_cases(found: Answer) -> str:
    """The worst case, and what the best policy saves of it."""
    worst = min(found.cases, key=lambda case: case.policies[0].outcome.mean)
    hold, best = worst.policies[0], choice(worst)
    lost = hold.outcome.mean - found.planned.mean
    told = (
        f"of {len(found.cases)} cases {plain(worst.name)} costs most: {_amount(found, lost, signed=True)} "
        f"{plain(found.measure)} ({percent(lost / found.planned.mean, signed=True)} of the plan's "
        f"{_amount(found, found.planned.mean)})"
    )
    if best.gain is None:
        return f"{told} while the plan is held, and no other policy surely saves any of it."
    saved = f"{_gain(found, best.gain)} of it{_money(found, best, hold)}"
    return f"{told} while the plan is held; {TOLD[best.policy]} saves {saved}."


def _amount(found: Answer, amount: float, signed: bool = False) -> str:
    return money(amount, found.unit, signed)


def _range(found: Answer, of: Spread) -> str:
    return f"{_amount(found, of.mean)} (5-95 %: {_amount(found, of.p05)} .. {_amount(found, of.p95)})"


def _gain(found: Answer, gain: Gain) -> str:
    low, high = (_amount(found, end, signed=True) for end in (gain.low, gain.high))
    return f"{_amount(found, gain.mean, signed=True)} (95 % sure: {low} .. {high})"


def _target(found: Answer, one: Reading) -> str:
    what = "the plan's outcome" if found.target is None else f"the target of {_amount(found, found.target)}"
    return f"chance to reach {what} {percent(one.target)}"


def _policies(found: Answer, case: CaseReading) -> str:
    header = ["policy", "mean", "5 %", "50 %", "95 %", "worst", "reaches", "spend"]
    in_money = case.policies[0].profit is not None
    header += ["profit", "present", "paid back"] if in_money else []
    header += ["over the first", "95 % sure"] if len(case.policies) > 1 else []
    rows = [[TOLD[one.policy], *_figures(found, one, in_money)] for one in case.policies]
    rows = [row + [""] * (len(header) - len(row)) for row in rows]
    told = (
        f"{plain(found.measure)} by policy; `worst` is the mean of the worst {percent(found.level)} of paths, "
        f"`reaches` the chance of the {'plan' if found.target is None else 'target'}"
    )
    further = [line for line in (_regret(found, case), unruled([case])) if line]
    return "\n".join([f"{told}:", folded(header, rows), *further])


def unruled(cases: Sequence[CaseReading]) -> str:
    """Why a plan that is cut in proportion, or runs out of money, can bring more than one that is made anew."""
    for case in cases:
        by_name = {one.policy: one for one in case.policies}
        anew, others = by_name.get("replan"), [by_name[name] for name in RULELESS if name in by_name]
        if anew and any(one.outcome.mean > anew.outcome.mean * (1 + NEAR) for one in others):
            return (
                "Where planning anew brings less, that is what rules cost: it keeps ramps, floors and shares as far as "
                "they can be kept, and a plan that is held or cut in proportion heeds none of them but commitments."
            )
    return ""


def _figures(found: Answer, one: Reading, in_money: bool) -> list[str]:
    cells = [number(value) for value in (one.outcome.mean, one.outcome.p05, one.outcome.p50, one.outcome.p95)]
    cells += [number(found.planned.mean - one.shortfall), percent(one.target), number(one.spend.mean)]
    if in_money and one.profit and one.present:
        cells += [number(one.profit.mean), number(one.present.mean), percent(one.paid_back or 0.0)]
    if one.gain:
        cells += [number(one.gain.mean), f"{number(one.gain.low)} .. {number(one.gain.high)}"]
    return cells


def _regret(found: Answer, case: CaseReading) -> str:
    """What the policies lack to one that knows every shock."""
    known = next((one for one in case.policies if one.policy == BARE), None)
    if known is None:
        return ""
    lacks = [
        f"{TOLD[one.policy]} {_amount(found, max(known.outcome.mean - one.outcome.mean, 0.0))}"
        for one in case.policies
        if one is not known
    ]
    return f"Regret, what each lacks in the mean to who knows every shock ahead: {'; '.join(lacks)}."


def _quarters(case: CaseReading) -> str:
    best = choice(case)
    header = ["quarter", "plan", "5 %", "50 %", "95 %", "spend"]
    in_money = best.quarters[0].profit is not None
    header += ["profit", "cash"] if in_money else []
    header += ["leads lost"] if best.quarters[0].lost is not None else []
    rows = []
    for one in best.quarters:
        cells = [number(value) for value in (one.planned, one.outcome.p05, one.outcome.p50, one.outcome.p95)]
        cells.append(number(one.spend.mean))
        cells += [number(one.profit.mean), number(one.cash.mean)] if one.profit and one.cash else []
        cells += [percent(one.lost)] if one.lost is not None else []
        rows.append([one.name, *cells])
    rows.append(_in_all(best, len(header)))
    told = f"By quarter, if you {TOLD[best.policy]} (spend, profit and cash are means, which add up)"
    return f"{told}:\n{folded(header, rows)}"


def _in_all(one: Reading, columns: int) -> list[str]:
    """The last row of the quarters: what they come to together."""
    planned, cash = sum(quarter.planned for quarter in one.quarters), [quarter.cash for quarter in one.quarters]
    cells = [number(value) for value in (planned, one.outcome.p05, one.outcome.p50, one.outcome.p95, one.spend.mean)]
    if one.profit:
        cells += [number(one.profit.mean), number(sum(each.mean for each in cash if each))]
    return ["in all", *cells, *[""] * (columns - 1 - len(cells))]


def _cases(found: Answer) -> str:
    policies = [one.policy for one in found.cases[0].policies]
    header = ["case", *policies, "reaches"]
    rows = [
        [
            plain(case.name),
            *[percent(one.outcome.mean / found.planned.mean - 1, signed=True) for one in case.policies],
            percent(choice(case).target),
        ]
        for case in found.cases[:MOST_ROWS]
    ]
    more = f"\n{len(found.cases) - MOST_ROWS} more stand in stress.json." if len(found.cases) > MOST_ROWS else ""
    what = "plan's outcome" if found.target is None else "target"
    told = "; ".join(f"{policy}: {TOLD[policy]}" for policy in policies)
    return (
        f"Change of {plain(found.measure)} against the plan by policy, in the mean of the curves' draws; `reaches` is "
        f"the chance of the {what} under the best of them ({told}):\n{folded(header, rows)}{more}"
        f"{chr(10) if unruled(found.cases) else ''}{unruled(found.cases)}"
    )


def _bridge(found: Answer) -> str:
    if not found.bridge:
        return ""
    dust = DUST * abs(found.planned.mean)
    rows = [[plain(bar.name), number(bar.low if abs(bar.low) > dust else 0.0)] for bar in found.bridge]
    told = f"From the plan to the outcome, in the mean [{found.unit or plain(found.measure)}]"
    if 0 < found.bridged < found.cases[-1].paths:
        told += f", on the first {found.bridged:,} paths"
    return f"{told}:\n{folded(['', ''], rows)}"


def _tornado(found: Answer) -> str:
    if len(found.tornado) < 2:
        return ""
    rising = sorted(found.tornado, key=lambda bar: -max(abs(bar.low), abs(bar.high)))
    rows = [[plain(bar.name), number(bar.low), number(bar.high)] for bar in rising]
    return (
        "Each shock alone, at the low and the high end of its factor (5 and 95 % points), while the plan is held:\n"
        f"{folded(['shock', 'low end', 'high end'], rows)}"
    )


def _worst(found: Answer) -> str:
    if not found.worst:
        return ""
    rows = [
        [
            str(one.number),
            number(one.outcome),
            number(one.curves),
            f"{plain(one.shock)} {number(one.took)}" if one.shock else "none",
            plain(", ".join(one.came)) or "none",
        ]
        for one in found.worst
    ]
    header = ["path", "outcome", "its curves", "shock that took most", "what came, with its factor"]
    return f"The worst paths, and what they lost beside the plan:\n{folded(header, rows)}"


def _further(found: Answer) -> str:
    lines = []
    for one in found.even:
        if one.factor is None:
            lines.append(f"{plain(one.shock)} alone: {one.what} holds in the mean at every factor looked at.")
        else:
            way = "up" if one.factor > 1 else "down"
            lines.append(
                f"{plain(one.shock)} alone: {one.what} holds in the mean {way} to a factor of {one.factor:.3g}."
            )
    for pledge in found.committed:
        unit, of = (found.currency, f" {plain(found.aim)}") if found.aim else (found.unit, "")
        more = f"bring {money(pledge.cost, unit)}{of} more" if pledge.cost else "bring no more: it costs nothing"
        told = f"Committed to {plain(pledge.channel)}, {money(pledge.money, found.currency)}"
        lines.append(f"{told}: without it the plan would {more}.")
    for quarter, lost, adds in found.queue:
        lines.append(
            f"Who sells, {quarter}, as planned: {percent(lost)} of leads are lost in line, and of each further lead "
            f"{percent(adds)} are served{': more marketing lengthens the queue' if adds < 0.5 else ''}."
        )
    overspent = [one for case in found.cases for one in case.policies if one.overspent]
    if overspent:
        most = max(one.overspent for one in overspent)
        lines.append(
            f"On up to {percent(most)} of the paths more is committed than there is money for, and it is paid even so."
        )
    return "\n".join(lines)


def _proof(found: Answer) -> str:
    return f"Seed {found.seed}; hash of all paths {found.hash[:16]}."
