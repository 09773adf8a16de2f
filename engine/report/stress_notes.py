"""What stands below the tables of a stress test: further findings, how to read it all, and what to do next."""

from engine.report.stress_choice import RULELESS, choice, is_ladder, told_case
from engine.report.stress_tables import has_own_dates
from engine.stress.moved import Moved
from engine.stress.readout import Answer, CaseReading
from engine.words import money, percent, plain

WORTH = 1e-3  # of the plan's money: less is not worth moving


def further(found: Answer) -> str:
    """How far shocks may go, what commitments cost, and what becomes of leads."""
    return "\n".join([*_even(found), *_committed(found), *_queue(found), *_overspent(found)])


def _even(found: Answer) -> list[str]:
    lines = []
    for one in found.even:
        if one.factor is None:
            lines.append(f"{plain(one.shock)} alone: {one.what} holds in the mean at every factor looked at.")
        else:
            way = "up" if one.factor > 1 else "down"
            lines.append(
                f"{plain(one.shock)} alone: {one.what} holds in the mean {way} to a factor of {one.factor:.3g}."
            )
    return lines


def _committed(found: Answer) -> list[str]:
    lines = []
    for pledge in found.committed:
        unit, of = (found.currency, f" {plain(found.aim)}") if found.aim else (found.unit, "")
        more = f"bring {money(pledge.cost, unit)}{of} more" if pledge.cost else "bring no more; it costs nothing"
        told = f"Committed to {plain(pledge.channel)}, {money(pledge.money, found.currency)}"
        lines.append(f"{told}: without it the plan would {more}.")
    return lines


def _queue(found: Answer) -> list[str]:
    return [
        f"Who sells, {quarter}, as planned: {percent(lost)} of leads are lost in line, and of each further lead "
        f"{percent(adds)} are served{': more marketing lengthens the queue' if adds < 0.5 else ''}."
        for quarter, lost, adds in found.queue
    ]


def _overspent(found: Answer) -> list[str]:
    most = max((one.overspent for case in found.cases for one in case.policies), default=0.0)
    told = f"On up to {percent(most)} of the paths more is committed than there is money for, and it is paid even so."
    return [told] if most else []


def how_to_read(found: Answer, case: CaseReading) -> str:
    """What the words of the tables mean, each once."""
    names = [one.policy for one in case.policies]
    told = []
    if "hold" in names:
        told.append("`hold the plan` spends as planned until the money of a cut is gone")
    if "trim" in names:
        told.append("`cut in proportion` takes a cut evenly from all that is not committed")
    heed = "neither heeds other rules" if set(RULELESS) <= set(names) else "it heeds no other rule"
    lines = [f"{'; '.join(told)}; {heed}." if told else ""]
    lines += [_outcome_words(found, case), _money_words(found, case), _sure_words(found)]
    return "How to read it:\n" + "\n".join(f"  {line}" for line in lines if line)


def _outcome_words(found: Answer, case: CaseReading) -> str:
    what = "the plan" if found.target is None else "the target"
    told = (
        f"{plain(found.measure)} is what these channels bring, not all that is sold; `worst` its mean over the worst "
        f"{percent(found.level)} of paths, `reaches` the chance of {what}"
    )
    if case.by_profit:
        told += "; policies are ranked by profit, for the plan is made for it"
    if is_ladder(found) and any(one.family == "outage" for one in found.cases):
        told += "; a channel is `off` in the quarter in which the plan spends most on it"
    broken = any(one.broken for one in case.policies)
    rules = "; `rules broken` is the share of paths on which ramps, floors, caps or shares are not kept"
    return f"{told}{rules if broken else ''}."


def _money_words(found: Answer, case: CaseReading) -> str:
    if case.policies[0].profit is None:
        return "Without a margin no profit is told; write stress.margin into the scenario."
    margin = "its margin" if found.terms.margin is None else f"a margin of {percent(found.terms.margin)}"
    told = (
        f"`profit` is {margin} on {plain(found.measure)} less spend; `paid back` the share of paths on which it pays "
    )
    told += "for the spend"
    if not has_own_dates(case):
        return f"{told}. Cash moves when it is earned and spent, and is not discounted."
    terms = found.terms
    told += f"; `cash` is profit when it moves: customers pay {_later(terms.customers_pay_after, terms.period)}, media "
    told += (
        f"are paid {_later(terms.media_paid_after, terms.period)}; `present` is the present value of all cash: what "
    )
    return f"{told}it is worth at the start at a discount of {percent(terms.discount_rate)} a year."


def _later(periods: int, period: str) -> str:
    return f"{periods} {period}{'s' * (periods != 1)} later" if periods else "at once"


def _sure_words(found: Answer) -> str:
    told = (
        "`5-95 %`: nine of ten paths lie between, with the luck of shocks and the doubt of the curves. `95 % sure` and "
        "`±`: of the mean, for luck with the paths that were drawn, and no more; if the curves are wrong, so is it"
    )
    if found.replayed:
        first, last = found.replayed
        told += (
            f". Replayed are years of the history from {first} to {last}: each path begins somewhere in it by chance, "
            "and one that comes to its end goes on at its beginning"
        )
    return f"{told}."


def proof(found: Answer) -> str:
    """What makes the answer the same again."""
    return f"Seed {found.seed}; hash of all paths {found.hash[:16]}."


def next_step(found: Answer, case: CaseReading) -> str:
    """The one thing to do."""
    policy = choice(case).policy
    if is_ladder(found):
        return (
            f"Next: if {plain(told_case(found).name)} can happen to you, write it into the scenario under [[shocks]] "
            "with your own dates and chance, and ask for this test again."
        )
    steps = {
        "hold": "carry out the plan; ask again when another shock comes into sight.",
        "trim": "if money is taken away, cut all that is not committed by the same share.",
        "replan": f"{_when(found)} plan the rest anew with `peso replan`{_first_move(found)}.",
        "trigger": f"watch the outcome, and plan the rest anew with `peso replan` once it is {percent(found.band)} or "
        "more off the plan.",
        "reserve": f"plan with {percent(found.reserve)} held back (budget.reserve), and release it once the outcome is "
        f"{percent(found.band)} behind the plan.",
    }
    return f"Next: {steps[policy]}" if policy in steps else ""


def _when(found: Answer) -> str:
    changed = _first_changes(found)
    first = f"on {changed[0].quarter.partition(' ')[0]}, and " if changed else ""
    return f"{first}at each decision{' after it,' if first else ''}"


def _first_changes(found: Answer) -> list[Moved]:
    """The moves of the first quarter in which the money is not where the plan has it."""
    least = WORTH * found.spend
    first = next((one.quarter for one in _by_quarter(found) if abs(one.change) > least), None)
    return [one for one in found.moved if one.quarter == first and abs(one.change) > least]


def _by_quarter(found: Answer) -> list[Moved]:
    quarters = list(dict.fromkeys(one.quarter for one in found.moved))
    return sorted(found.moved, key=lambda one: quarters.index(one.quarter))


def _first_move(found: Answer) -> str:
    """The largest moves to expect there."""
    changed = _first_changes(found)
    if not changed:
        return ""
    largest = sorted(changed, key=lambda one: -abs(one.change))[:2]
    told = [f"{plain(one.channel)} {money(one.change, found.currency, signed=True)}" for one in largest]
    return f"; expect {' and '.join(told)} in its first quarter, in the mean of all paths"
