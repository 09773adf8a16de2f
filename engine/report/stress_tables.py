"""The tables of a stress test on a terminal."""

from collections import defaultdict
from collections.abc import Sequence

from engine.report.stress_choice import (
    BARE,
    NEAR,
    RULELESS,
    TOLD,
    amount,
    choice,
    criterion,
    fails,
    gained,
    is_better,
    is_cut,
    is_ladder,
    rank_unit,
    ranked,
)
from engine.stress.moved import Moved
from engine.stress.readout import Answer, CaseReading, Gain, Quarter, Reading
from engine.words import folded, money, number, percent, plain

DUST = 1e-9  # of the plan: a bar that is rounding
SAME = 1e-6  # of what is spent: figures that are the same but for rounding
TELLING = 2e-4  # of the plan's spend: a move that is told
MOST_ROWS = 60  # of a table
MOVERS = 8  # channels whose moves are shown
PLAN = "the plan, without shocks"


def policies_table(found: Answer, case: CaseReading, width: int) -> str:
    """What each policy comes to in a case, below the plan without shocks."""
    every = [*([found.unshocked] if found.unshocked else []), *case.policies]
    header, columns = ["policy"], [[TOLD.get(one.policy, PLAN) for one in every]]
    for name, cells in _columns(found, case, every):
        if any(cells):
            header.append(name)
            columns.append(cells)
    in_case = f" in the case {plain(case.name)}" if len(found.cases) > 1 else ""
    spent = "spend and profit" if case.policies[0].profit else "spend"
    told = f"{plain(found.measure)} by policy{in_case}{_of(found.unit)}, {spent} [{found.currency}]"
    rows = [list(row) for row in zip(*columns, strict=True)]
    further = [line for line in (_anew(found, case), _unkept(case), _regret(found, case), unruled([case])) if line]
    return "\n".join([f"{told}:", folded(header, rows, width), *further])


def _of(unit: str) -> str:
    return f" [{unit}]" if unit else ""


def _columns(found: Answer, case: CaseReading, every: list[Reading]) -> list[tuple[str, list[str]]]:
    """Names and cells; a column of nothing is left out."""
    points = [("mean", "mean"), ("5 %", "p05"), ("50 %", "p50"), ("95 %", "p95")]
    told = [(name, [number(getattr(one.outcome, point)) for one in every]) for name, point in points]
    told += [
        ("worst", [number(found.planned.mean - one.shortfall) for one in every]),
        ("reaches", [percent(one.target) for one in every]),
        ("spend", [number(one.spend.mean) for one in every]),
        ("profit", [number(one.profit.mean) if one.profit else "" for one in every]),
    ]
    if has_own_dates(case):
        told.append(("present", [number(one.present.mean) if one.present else "" for one in every]))
    told.append(("paid back", ["" if one.paid_back is None else percent(one.paid_back) for one in every]))
    first = case.policies[0].policy
    what = " [profit]" if case.by_profit else ""
    told.append((f"over {first}{what}", [_plus(gained(one)) for one in every]))
    if first != "trim" and is_cut(case):
        told.append((f"over trim{what}", ["" if one.policy == "trim" else _plus(one.over_trim) for one in every]))
    if any(one.broken for one in every):
        told.append(("rules broken", ["" if one is found.unshocked else percent(one.broken) for one in every]))
    return told


def _plus(gain: Gain | None) -> str:
    """A gain with half its interval.

    >>> _plus(Gain(120.0, 100.0, 140.0, 0.0))
    '+120 ± 20'
    """
    return f"{money(gain.mean, '', signed=True)} ± {number(gain.mean - gain.low)}" if gain else ""


def has_own_dates(case: CaseReading) -> bool:
    """Whether money moves at other times than it is earned and spent, or is discounted, so that cash is not profit."""
    return any(
        abs(one.present.mean - one.profit.mean) > SAME * one.spend.mean
        for one in case.policies
        if one.present and one.profit
    )


def _anew(found: Answer, case: CaseReading) -> str:
    """How often policies that wait for a reason planned anew."""
    told = []
    for one in case.policies:
        if one.policy in ("trigger", "reserve") and one.anew:
            shares = zip(found.decisions, one.anew, strict=False)
            days = ", ".join(f"{day} on {percent(share)}" for day, share in shares if share)
            told.append(f"{TOLD[one.policy]} {percent(one.ever_anew)}{f' ({days})' if days else ''}")
    return f"Paths on which the rest was planned anew: {'; '.join(told)}." if told else ""


def _unkept(case: CaseReading) -> str:
    """The rules that policies do not keep, most often."""
    told = [
        f"{TOLD[one.policy]} {percent(one.broken)} ({plain(one.unkept[0].rule)}{_and_more(len(one.unkept) - 1)})"
        for one in case.policies
        if one.unkept and one.policy != BARE
    ]
    return f"Paths with a broken rule, and the most frequent one: {'; '.join(told)}." if told else ""


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""


def _regret(found: Answer, case: CaseReading) -> str:
    """What the policies lack to one that knows every shock."""
    known = next((one for one in case.policies if one.policy == BARE), None)
    others = [one for one in case.policies if one is not known]
    if known is None or not others:
        return ""
    if gained(known) is not None and not is_better(case, known):
        return "Who knows every shock ahead could do no better: there is nothing to regret."
    unit, what = rank_unit(found, case)
    above = [one for one in others if ranked(case, one) > ranked(case, known)]
    lacks = [
        f"{TOLD[one.policy]} {money(ranked(case, known) - ranked(case, one), unit)}"
        for one in others
        if one not in above
    ]
    told = f"Regret, what each lacks in the mean{what and f' of{what}'} to who knows every shock ahead: "
    told += "; ".join(lacks) + "." if lacks else "none."
    if above:
        names = ", ".join(TOLD[one.policy] for one in above)
        why = ", for who knows all still keeps rules" if any(one.policy in RULELESS for one in above) else ""
        told += f" None is told for {names}, which brings as much or more{why}."
    return told


def unruled(cases: Sequence[CaseReading]) -> str:
    """Why a plan that is cut in proportion, or runs out of money, can bring more than one that is made anew."""
    for case in cases:
        by_name = {one.policy: one for one in case.policies}
        anew, others = by_name.get("replan"), [by_name[name] for name in RULELESS if name in by_name]
        if anew and any(ranked(case, one) - ranked(case, anew) > NEAR * abs(anew.outcome.mean) for one in others):
            why = "" if case.by_profit else ", and plans for its goal"
            return (
                "Where planning anew brings less, that is what rules cost: it keeps ramps, floors and shares as far as "
                f"they can be kept{why}; a plan that is held or cut in proportion heeds none of them but commitments."
            )
    return ""


def moved_table(found: Answer, width: int) -> str:
    """Where the money goes under the chosen policy, and how far that is from the plan; the biggest movers."""
    by_channel: dict[str, list[Moved]] = defaultdict(list)
    for one in found.moved:
        by_channel[one.channel].append(one)
    least = TELLING * found.spend
    order = sorted(by_channel, key=lambda name: -sum(abs(one.change) for one in by_channel[name]))
    shown = [name for name in order if any(abs(one.change) > least for one in by_channel[name])]
    if not shown:
        return ""
    quarters = [f"from {one.quarter.partition(' ')[0]}" for one in by_channel[shown[0]]]
    rows = [
        [name, *[_cell(one.spend, one.change, least) for one in by_channel[name]], _total(by_channel[name], least)]
        for name in shown[:MOVERS]
    ]
    rows.append(_every(list(by_channel.values()), least))
    case, policy = found.moved_in
    where = f" in the case {plain(case)}" if len(found.cases) > 1 else ""
    more = f"\n{len(shown) - MOVERS} more channels move by less; stress.json has all." if len(shown) > MOVERS else ""
    return (
        f"Where the money goes{where}, if you {TOLD.get(policy, policy)}: mean spend and its change against the plan "
        f"[{found.currency}]:\n{folded(['channel', *quarters, 'in all'], rows, width)}{more}"
    )


def _cell(spend: float, change: float, least: float) -> str:
    return f"{number(spend)} ({money(change, '', signed=True)})" if abs(change) > least else number(spend)


def _total(parts: Sequence[Moved], least: float) -> str:
    return _cell(sum(one.spend for one in parts), sum(one.change for one in parts), least)


def _every(channels: list[list[Moved]], least: float) -> list[str]:
    """The last row: all channels together."""
    quarters = [_total(parts, least) for parts in zip(*channels, strict=True)]
    return ["all channels", *quarters, _total([one for parts in channels for one in parts], least)]


def quarters_table(found: Answer, case: CaseReading, width: int) -> str:
    """The chosen policy by quarter."""
    best, with_cash = choice(case), has_own_dates(case)
    header = ["quarter", "plan", "5 %", "50 %", "95 %", "spend"]
    header += ["profit"] if best.quarters[0].profit is not None else []
    header += ["cash"] if with_cash else []
    header += ["leads lost"] if best.quarters[0].lost is not None else []
    rows = [_quarter(one, with_cash) for one in best.quarters]
    rows.append(_in_all(best, len(header), with_cash))
    what = "spend and profit are means, which add up" if best.profit else "spend is its mean"
    means = "spend, profit and cash are means, which add up" if with_cash else what
    told = f"{plain(found.measure)} by quarter{_of(found.unit)}, if you {TOLD[best.policy]} ({means})"
    return f"{told}:\n{folded(header, rows, width)}"


def _quarter(one: Quarter, with_cash: bool) -> list[str]:
    cells = [number(value) for value in (one.planned, one.outcome.p05, one.outcome.p50, one.outcome.p95)]
    cells.append(number(one.spend.mean))
    cells += [number(one.profit.mean)] if one.profit else []
    cells += [number(one.cash.mean)] if one.cash and with_cash else []
    cells += [percent(one.lost)] if one.lost is not None else []
    return [one.name, *cells]


def _in_all(one: Reading, columns: int, with_cash: bool) -> list[str]:
    """The last row of the quarters: what they come to together."""
    planned, cash = sum(quarter.planned for quarter in one.quarters), [quarter.cash for quarter in one.quarters]
    cells = [number(value) for value in (planned, one.outcome.p05, one.outcome.p50, one.outcome.p95, one.spend.mean)]
    if one.profit:
        cells += [number(one.profit.mean)]
        cells += [number(sum(each.mean for each in cash if each))] if with_cash else []
    return ["in all", *cells, *[""] * (columns - 1 - len(cells))]


def cases_table(found: Answer, width: int) -> str:
    """Each case with the change that it brings under every policy, and the best of them."""
    policies = [one.policy for one in found.cases[0].policies]
    header = ["case", *policies, *(["fails"] if is_ladder(found) else []), "best", "reaches"]
    with_profit = found.cases[0].policies[0].profit is not None
    header += ["profit"] if with_profit else []
    rows = [] if found.unshocked is None else [_calm_row(found, len(policies), with_profit)]
    rows += [_case_row(found, case) for case in found.cases[:MOST_ROWS]]
    more = f"\n{len(found.cases) - MOST_ROWS} more stand in stress.json." if len(found.cases) > MOST_ROWS else ""
    what = "plan's outcome" if found.target is None else "target"
    named = "; ".join(f"{policy}: {TOLD[policy]}" for policy in policies)
    failing = f"; `fails`: {DOES} {criterion(found)[0]}" if is_ladder(found) else ""
    money_of = f"; `profit` [{found.currency}] that of the best, in the mean" if with_profit else ""
    why = unruled(found.cases)
    return (
        f"Change of {plain(found.measure)} against the plan by policy, in the mean of the curves' draws ({named}); "
        f"`reaches`: the chance of the {what} under the best{money_of}{failing}:\n"
        f"{folded(header, rows, width)}{more}{chr(10) if why else ''}{why}"
    )


DOES = "held, the plan"


def _case_row(found: Answer, case: CaseReading) -> list[str]:
    best = choice(case)
    changes = [percent(one.outcome.mean / found.planned.mean - 1, signed=True) for one in case.policies]
    failed = ["yes" if fails(found, case.policies[0]) else ""] if is_ladder(found) else []
    profit = [number(best.profit.mean)] if best.profit else []
    return [plain(case.name), *changes, *failed, best.policy, percent(best.target), *profit]


def _calm_row(found: Answer, policies: int, with_profit: bool) -> list[str]:
    """The first row of the cases: the plan without shocks."""
    profit = found.unshocked.profit if found.unshocked else None
    cells = [PLAN, *["0.0 %"] * policies, *([""] if is_ladder(found) else []), "", percent(found.calm)]
    return [*cells, *([number(profit.mean) if profit else ""] if with_profit else [])]


def bridge_table(found: Answer, width: int) -> str:
    """From the plan to what the chosen policy comes to."""
    if not found.bridge:
        return ""
    dust = DUST * abs(found.planned.mean)
    rows = [[plain(bar.name), number(bar.low if abs(bar.low) > dust else 0.0)] for bar in found.bridge]
    told = f"From the plan to the outcome, in the mean [{found.unit or plain(found.measure)}]"
    if 0 < found.bridged < found.cases[-1].paths:
        told += f", on the first {found.bridged:,} paths"
    return f"{told}:\n{folded(['step', plain(found.measure)], rows, width)}"


def tornado_table(found: Answer, width: int) -> str:
    """What each shock changes alone."""
    if len(found.tornado) < 2:
        return ""
    rising = sorted(found.tornado, key=lambda bar: -max(abs(bar.low), abs(bar.high)))
    rows = [[plain(bar.name), *(money(end, "", signed=True) for end in (bar.low, bar.high))] for bar in rising]
    return (
        f"Each shock alone{_of(found.unit)}, at the low and the high end of its factor (5 and 95 % points; a shock of "
        "one size: without it, and with it), while the plan is held:\n"
        f"{folded(['shock', 'low end', 'high end'], rows, width)}"
    )


def worst_table(found: Answer, width: int) -> str:
    """The worst paths of the chosen policy."""
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
    policy = TOLD.get(found.worst[0].policy, found.worst[0].policy)
    return (
        f"The worst paths if you {policy}, and what they lost beside the plan's {amount(found, found.planned.mean)}: "
        f"by bad luck with the curves, and to shocks:\n{folded(header, rows, width)}"
    )
