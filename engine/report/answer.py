"""Plans and comparisons as text: the decision first, then the table, the why and the proof."""

import re
from collections.abc import Iterable, Sequence

from engine.optimize.above import Level
from engine.optimize.compare import UNCHANGED, Answer, base_spend
from engine.optimize.plan import Line, Plan, Range
from engine.optimize.prices import Price
from engine.report.above import split_above, with_parts
from engine.report.customers import customers_text
from engine.report.figures import UNKNOWN, amount, beware, moves, one_draw, ranged, rate, told_gap
from engine.report.found import budget_found, money_for_tests
from engine.report.history import beside_history, compared, cost_of_rules, saved, scaled_note, split_name
from engine.report.weeks import weeks_text
from engine.words import folded, money, number, percent, plain, table

NOTABLE = 0.005  # share of the budget below which a move is not told
NO_PRICE = 0.01  # of what its price says: where a real step of a rule earns no more, the price is none
EARNS = 0.005  # of what a unit of money brings, or of 1: a rule that earns less is not told
DUST = 1e-9  # of a plan's money: less is what a solver leaves, and told as nothing
NO_GAIN = 1e-6  # share of a plan's value below which an eased rule earns nothing
WHY = (
    "Why: these rules hold the plan (what more room, so a higher cap or a lower floor, earns at the margin and for a "
    "real step):"
)
MARGIN = (
    "  The margin is told after the charge for the doubt of moves, from today's split as it is; "
    "a real step as if asked again, before that charge."
)
WIDEST = 24  # letters of a scenario's name above a column
TOLD = 12  # rules that hold a plan and are named, the dearest first
STEP_OF = "step of "  # how the names of rules begin that are about steps
CLOSED = "no date on which "  # how the names of rules begin that keep money out of a time
UNPRICED = (STEP_OF, CLOSED, "most active channels", "least active channels", "tier of ")
DATED = re.compile(r" from \d{4}-\d\d-\d\d$")  # what tells the rows of one rule apart
BUDGET = "budget"  # the name of the rule that holds the total


def plan_text(plan: Plan) -> str:
    """A plan for the terminal."""
    why = _why(plan) + ("\n" + MARGIN if _has_two_prices(plan) else "")
    parts = [
        decision(plan),
        beside_history(plan),
        _next_money(plan),
        beware(plan.warnings),
        budget_found(plan),
        money_for_tests(plan),
        split_above(plan),
        _channels(plan),
        customers_text(plan),
        _over_time(plan),
        weeks_text(plan),
        why,
        proof(plan),
    ]
    return "\n\n".join(part for part in parts if part)


def decision(plan: Plan) -> str:
    """The decision in one sentence, with its range and the chance to bring less."""
    head = f"{plain(plan.scenario)}, {plan.start} to {plan.end}, {money(plan.spend, plan.currency)}: "
    told = _moves(plan)
    if not told and abs(plan.gain.mean) <= 1e-9 * abs(plan.baseline.value.mean):
        why = "no better split exists under these rules"
        if plan.prudence:
            why = f"no move under these rules is worth its doubt (prudence {plan.prudence:g})"
        return f"{head}keep {compared(plan)}; {why}."
    gained = _gained(plan, plan.gain, plan.baseline.value.mean)
    loss = "" if one_draw(plan) else f", chance to bring less {percent(plan.chance_of_loss)}"
    return f"{head}{told or 'keep the split'}: {gained} against {compared(plan)}{loss}{cost_of_rules(plan)}."


def _gained(plan: Plan, change: Range, base: float) -> str:
    """A change in what is maximised with its range, and as a share of what the channels bring without it."""
    says = base > 0 and plan.measure != "profit"  # a share of a profit, which may be near 0 or below, says nothing
    share = f", {percent(change.mean / base, signed=True)} of what these channels bring" if says else ""
    sure = UNKNOWN if one_draw(plan) else ranged(change, plan.unit)
    return f"{amount(change.mean, plan, signed=True)} ({sure}{share})"


def _moves(plan: Plan) -> str:
    """From where to where money goes."""
    change = {line.name: line.spend - line.baseline for line in plan.lines}
    return moves(change, NOTABLE * max(plan.spend, 1e-300), plan.currency)


def _channels(plan: Plan) -> str:
    header = ["channel", "kind", "history", "plan", "change", plan_outcome(plan), "5 %", "95 %", "return", "next 1"]
    rows = with_parts(plan, _row, _whole)
    total = plan.chosen.outcome
    before, spent = sum(plan.baseline.spend), plan.spend
    rows.append(["total", "", number(before), number(spent), _change(before, spent), *_outcome(total, spent), ""])
    notes = f"{plan.currency} over {plan.periods} {plan.period}s; return: outcome per {plan.currency} spent; "
    notes += f"next 1: outcome of the next {plan.currency} 1."
    if any(line.beyond for line in plan.lines):
        notes += f"\n* more a {plan.period} than history ever shows."
    if one_draw(plan):
        header, *rows = ([*row[:6], *row[8:]] for row in (header, *rows))  # no 5 and 95 % points
    return "\n".join(part for part in (table(header, rows), notes, scaled_note(plan)) if part)


def _over_time(plan: Plan) -> str:
    """Money by channel and decision, where there are several, beside what history's split would spend."""
    if len(plan.decisions) == 1:
        return ""
    rows = folded(["channel", *(label[:10] for label in plan.decisions)], over_time(plan))
    return f"When ({plan.currency} by decision, from the day named on):\n{rows}"


def over_time(plan: Plan) -> list[list[str]]:
    """Rows of money by channel and decision, parts under their channel, the total last; what a solver leaves is 0."""
    decided = dict(zip((line.name for line in plan.lines), zip(*plan.chosen.decided, strict=True), strict=True))

    def row(name: str, moneys: Iterable[float]) -> list[str]:
        return [name, *(number(0.0 if abs(one) <= DUST * plan.spend else one) for one in moneys)]

    rows = with_parts(
        plan,
        lambda line: row(line.name, decided[line.name]),
        lambda level, parts: row(str(level.name), map(sum, zip(*(decided[part.name] for part in parts), strict=True))),
    )
    return [*rows, row("total", map(sum, plan.chosen.decided))]


def plan_outcome(plan: Plan) -> str:
    """The name of the outcome column."""
    return plan.counts or (plan.measure if plan.measure != "profit" else "outcome")


def _row(line: Line) -> list[str]:
    change = _change(line.baseline, line.spend)
    star = "*" if line.beyond else ""
    return [
        line.name,
        f"{line.kind}, {line.role}" if line.role else line.kind,
        number(line.baseline),
        number(line.spend) + star,
        change,
        *_outcome(line.outcome, line.spend),
        rate(line.marginal),
    ]


def _whole(level: Level, parts: Sequence[Line]) -> list[str]:
    """A channel with parts: their sums."""
    change = _change(level.baseline, level.spend)
    sums = [number(level.baseline), number(level.spend), change, *_outcome(level.outcome, level.spend)]
    return [str(level.name), parts[0].kind, *sums, ""]


def _outcome(outcome: Range, spend: float) -> list[str]:
    ratio = rate(outcome.mean / spend) if spend > 0 else "-"
    return [number(outcome.mean), number(outcome.p05), number(outcome.p95), ratio]


def _change(before: float, after: float) -> str:
    if before <= 0:
        return "new" if after > 0 else "-"
    return percent(after / before - 1, signed=True)


def _why(plan: Plan) -> str:
    if not plan.prices or plan.risk != "mean":
        more = f" and {len(plan.binding) - TOLD} more" if len(plan.binding) > TOLD else ""
        held = f"these rules hold the plan: {', '.join(plain(rule) for rule in plan.binding[:TOLD])}{more}"
        why = f"Why: {held if plan.binding else 'no rule holds the plan back'}."
        return " ".join([why, *(_at_risk_price(price, plan) for price in plan.prices)])
    if _leaves_no_choice(plan):
        return "Why: the rules hold the plan together; to ease any one of them alone earns nothing."
    lines = [WHY]
    earning = [price for price in plan.prices if not _earns_nothing(price, plan)]
    if not earning:
        lines = ["Why: to ease any one of the rules that hold the plan earns next to nothing."]
    priced = [price for price in earning if not _is_contradicted(price)]
    told, rest = priced[:TOLD], priced[TOLD:]
    lines += [f"  {plain(price.rule)}: {_margin(price, plan)}; {_step(price, plan)}" for price in told]
    if rest:
        dearest = max(price.dual or 0.0 for price in rest)
        lines.append(
            f"  and {len(rest)} more rules, each at most {rate(dearest)} per {plan.currency} 1 (see plan.json)"
        )
    if alone := [plain(price.rule) for price in earning if _is_contradicted(price)]:
        lines.append(f"  and, where to ease one alone by a real step earns next to nothing: {', '.join(alone)}")
    if without := _without_price(plan):
        lines.append(f"  and, without a price by the unit of money: {', '.join(without)}")
    return "\n".join(lines)


def _margin(price: Price, plan: Plan) -> str:
    """What a unit of room brings; none is told where money goes in steps, or nowhere."""
    if price.dual is None:
        steps = "money goes in steps, so a single unit has no price: see the real step"
        return steps if price.gain is not None else "a single unit has no price"
    return f"{rate(price.dual)} per {plan.currency} 1"


def _earns_nothing(price: Price, plan: Plan) -> bool:
    """Whether more room at a rule earns next to nothing, margin and step; of the budget that is told as well."""
    usual = abs(plan.chosen.value.mean) / plan.spend if plan.spend > 0 else 1.0
    stepped = (price.gain or 0.0) / price.change if price.change else 0.0
    return price.rule != BUDGET and max(abs(price.dual or 0.0), abs(stepped)) < EARNS * min(1.0, usual)


def _at_risk_price(price: Price, plan: Plan) -> str:
    """What more money adds to a measure of risk."""
    if price.dual is None:
        return f"More money: {_margin(price, plan)}; {_step(price, plan)}."
    return (
        f"More money adds {rate(price.dual)} of what is maximised per {plan.currency} 1 at the margin; "
        f"{_step(price, plan)}."
    )


def _without_price(plan: Plan) -> list[str]:
    """Closed times, steps, numbers of channels and tiers that the plan stands at; steps counted where several."""
    names = [name for name in plan.binding if name.startswith(UNPRICED)]
    steps = dict.fromkeys(name.removeprefix(STEP_OF).partition(" from ")[0] for name in names if STEP_OF in name)
    told = [f"steps of {len(steps)} channels" if len(steps) > 1 else f"{STEP_OF}{name}" for name in list(steps)[:1]]
    others = dict.fromkeys(DATED.sub("", name) for name in names if STEP_OF not in name)
    priceless = [price.rule for price in plan.prices if price.dual is None and price.gain is None]
    return [*told, *map(plain, [*others, *(rule for rule in priceless if rule != BUDGET)])]


def _is_contradicted(price: Price) -> bool:
    """Whether a real step earns next to nothing of what the margin says: then other rules hold the plan as well."""
    dual = price.dual or 0.0
    return price.gain is not None and dual > 0 and price.gain <= NO_PRICE * dual * price.change


def _next_money(plan: Plan) -> str:
    """That the next unit of money brings less than itself, where outcome in money is counted; else empty."""
    price = next((one.dual for one in plan.prices if one.rule == BUDGET and one.gain is not None), None)
    is_revenue = plan.in_money and plan.risk == "mean" and plan.measure != "profit"
    if price is None or not is_revenue or price >= 1 or _leaves_no_choice(plan):
        return ""
    return (
        f"The next {plan.currency} 1 of budget brings {rate(price)} {plan.measure}, less than it costs whatever the "
        "margin: peso frontier says up to where money pays."
    )


def _has_two_prices(plan: Plan) -> bool:
    """Whether rules are priced, and their margin is of another figure than their real step."""
    told = any(price.dual is not None for price in plan.prices)
    return bool(plan.tolls and told) and not _leaves_no_choice(plan)


def _step(price: Price, plan: Plan) -> str:
    """What a real step of more room earns."""
    room = money(price.change, plan.currency)
    if price.gain is None and price.rule == BUDGET:
        return f"{room} more cannot be spent under the other rules"
    if price.gain is None or not price.change:
        return "a real step was not tried"
    return f"{room} of room earns {rate(price.gain / price.change)} per {plan.currency} 1"


def _leaves_no_choice(plan: Plan) -> bool:
    """Whether the rules fix the plan together, so that the margin of one alone is of no use."""
    budget = [price for price in plan.prices if price.rule == BUDGET]
    gains = [price.gain for price in plan.prices if price.rule != BUDGET]
    if not gains:
        return any(price.dual is None and price.gain is None for price in budget)
    least = NO_GAIN * abs(plan.chosen.value.mean)
    return all(one.gain is None for one in budget) and all(gain is not None and abs(gain) <= least for gain in gains)


def proof(plan: Plan) -> str:
    """What is proven about the plan: where its moves are charged for their doubt, of its worth after that charge."""
    status = "certified" if plan.certified else "feasible, not certified"
    if not plan.proven:
        status = "feasible; the bound is an estimate, because some curves are S-shaped over several decisions"
    value, bound = amount(plan.chosen.value.mean, plan), amount(plan.bound, plan)
    if plan.risk != "mean":
        told = _at_risk(plan)
    elif plan.tolls:
        told = (
            f"this plan earns {value}; after {amount(plan.tolls, plan)} for the doubt of its moves it is worth "
            f"{amount(plan.net, plan)}, and no plan under these rules is worth more than {bound}"
        )
    else:
        told = f"no plan under these rules can earn more than {bound}, this one earns {value}"
    if not plan.proven:
        told = told.replace("no plan under these rules", "as far as is known no plan under these rules")
    return (
        f"Proof: {status}; {told} (gap {told_gap(plan.gap, plan.risk, 4)}). Route: {plan.route}. {plan.seconds:.2f} s."
    )


RISKS = {
    "cvar": "by the mean of its worst draws, as far as the scenario weighs it",
    "robust": "by its worst mean over the odds of the draws that the scenario allows",
    "regret": "by its largest regret, that is below 0",
    "probability": "by its chance of the target",
}


def _at_risk(plan: Plan) -> str:
    """What a plan is worth by another measure than its mean."""
    if plan.risk == "probability":
        worth, bound = percent(plan.net), percent(plan.bound)
    else:
        worth, bound = amount(plan.net, plan), amount(plan.bound, plan)
    value = amount(plan.chosen.value.mean, plan)
    charged = plan.tolls > DUST * abs(plan.chosen.value.mean)
    tolls = f", after {amount(plan.tolls, plan)} for the doubt of its moves," if charged else ""
    return (
        f"{RISKS[plan.risk]}{tolls or ','} this plan is worth {worth} and no plan under these rules more than {bound}; "
        f"its mean is {value}{' before that charge' if tolls else ''}{_worst_draws(plan)}"
    )


def _worst_draws(plan: Plan) -> str:
    """The mean of the worst draws of the plan and of history's split, where that is what is maximised."""
    if plan.tail is None or one_draw(plan):
        return ""
    worst, before = amount(plan.tail.plan, plan), amount(plan.tail.baseline, plan)
    share = percent(plan.tail.level)
    return f"; its worst {share} of draws bring {worst} in the mean, those of {split_name(plan)} {before}"


def comparison_text(answers: list[Answer]) -> str:
    """Several answers side by side."""
    base = answers[0].base
    sentences = [_sentence(answer) for answer in answers]
    header = ["scenario", "spend", "outcome", "5 %", "50 %", "95 %", "return", "next 1", "change", "5-95 %", "gap"]
    plans = [answer.plan for answer in answers if answer.plan]
    rows = [_compared(answer) for answer in answers]
    notes, shocked = "", " (without the shocks of a scenario)" if base.name == UNCHANGED else ""
    if plans:
        notes = (
            f"{plans[0].currency} over the horizon; change: of the goal, against {plain(base.name)!r}{shocked}, "
            f"draw by draw; next 1: what the next {plans[0].currency} 1 of budget adds to the goal"
        )
        notes += ", after the charge for the doubt of moves." if any(plan.tolls for plan in plans) else "."
    why = [_why(answer.plan).replace("Why:", f"Why, {plain(answer.name)}:", 1) for answer in answers if answer.plan]
    why += [MARGIN.strip()] if any(_has_two_prices(plan) for plan in plans) else []
    proofs = [f"{plain(answer.name)}: {proof(answer.plan)}" for answer in answers if answer.plan]
    head = ["\n".join(sentences), _warnings(answers), table(header, rows) + "\n" + notes]
    parts = [*head, _by_channel(answers), *why, "\n".join(proofs)]
    return "\n\n".join(part for part in parts if part)


def _warnings(answers: list[Answer]) -> str:
    """What a reader must know of all plans, then of single ones."""
    told = [(answer.name, answer.plan.warnings) for answer in answers if answer.plan]
    shared = [each for each in told[0][1] if all(each in warnings for _, warnings in told)] if told else []
    own = [f"{name}: {each}" for name, warnings in told for each in warnings if each not in shared]
    return beware([*shared, *own])


def _by_channel(answers: list[Answer]) -> str:
    """Money by channel of the base, where all have the same, and of each scenario."""
    found = [(answer, answer.plan) for answer in answers if answer.plan]
    if not found:
        return ""
    bases = [tuple(base_spend(answer)) for answer, _ in found]
    columns = [(found[0][0].base.name, bases[0])] * (len({tuple(map(number, base)) for base in bases}) == 1)
    columns += [(answer.name, plan.chosen.spend) for answer, plan in found]
    names, head = [line.name for line in found[0][1].lines], f"Money by channel ({found[0][1].currency}):"
    rows = [[name, *(number(moneys[at]) for _, moneys in columns)] for at, name in enumerate(names)]
    rows.append(["total", *(number(sum(moneys)) for _, moneys in columns)])
    return f"{head}\n{folded(['channel', *(name[:WIDEST] for name, _ in columns)], rows)}"


def _sentence(answer: Answer) -> str:
    if answer.plan is None or answer.change is None:
        return f"{plain(answer.name)}: no plan. {plain(answer.refusal)}"
    plan, base = answer.plan, answer.base
    less = "" if one_draw(plan) else f", chance to bring less {percent(answer.chance_of_less)}"
    pairs = zip(plan.lines, plan.chosen.spend, base_spend(answer), strict=True)
    change = {line.name: after - before for line, after, before in pairs}
    told = moves(change, NOTABLE * max(plan.spend, 1e-300), plan.currency)
    return (
        f"{plain(answer.name)}: {told or 'keep the split'}: {_gained(plan, answer.change, answer.before)} "
        f"against {plain(base.name)!r}{less}, "
        f"with {money(plan.spend, plan.currency)} against "
        f"{money(float(base.spend.sum()), plan.currency)}{saved(plan, float(base.spend.sum()))}."
    )


def _compared(answer: Answer) -> list[str]:
    plan, change, outcome = answer.plan, answer.change, answer.outcome
    if plan is None or change is None or outcome is None:
        return [answer.name, "no plan", *["-"] * 9]
    budget = next((price.dual for price in plan.prices if price.rule == BUDGET), 0.0)
    sure = [] if one_draw(plan) else [outcome.p05, outcome.p50, outcome.p95]
    return [
        answer.name,
        number(plan.spend),
        *(number(value) for value in (outcome.mean, *sure)),
        *(["-"] * (3 - len(sure))),
        rate(outcome.mean / plan.spend) if plan.spend > 0 else "-",
        "-" if _leaves_no_choice(plan) else rate(budget),
        money(change.mean, "", signed=True),
        f"{money(change.p05, '', signed=True)} .. {money(change.p95, '', signed=True)}" if sure else "-",
        told_gap(plan.gap, plan.risk, 3),
    ]
