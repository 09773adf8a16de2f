"""Sections of a plan: the decision, where money moves, and the proof."""

from collections.abc import Sequence

from engine.optimize.plan import Line, Plan
from engine.optimize.ranges import Range
from engine.report.above import split_above
from engine.report.answer import decision, proof
from engine.report.charts.look import opening
from engine.report.charts.moves import keeps, moves_chart
from engine.report.figures import amount, one_draw, rate, told_gap
from engine.report.figures import ranged as range_told
from engine.report.found import budget_found, money_for_tests
from engine.report.history import beside_history, compared, is_scaled, scaled_note
from engine.report.page.cells import EMPTY, NOTHING, amounts, figured, ranged, ratio, share, single, text
from engine.report.page.given import Given
from engine.report.page.records import Absent, Block, Cell, Fact, Facts, Figure, Listed, Section, Table, Words
from engine.report.rounding import Scale, adding, evenly, scale_of
from engine.report.weeks import weeks_text
from engine.words import money, number, percent, plain

NO_PLAN = "Give a plan.json: peso optimize FIT SCENARIO --out plan.json."
SAME = 1e-9  # of the outcome: closer than this, outcome is what is maximised
NEXT = "Next 1"  # heading: what the next unit of money brings


def decision_section(given: Given) -> Section | Absent:
    """What to do, how sure it is, and what to beware of."""
    plan = given.plan
    if plan is None:
        return Absent("the decision", NO_PLAN)
    told = (beside_history(plan), budget_found(plan), money_for_tests(plan), weeks_text(plan))
    beside = tuple(line for part in told for line in part.splitlines())
    blocks: list[Block] = [Words((decision(plan),), "decision"), Facts(_facts(plan))]
    blocks += [Words(beside)] * bool(beside)
    warnings = (*_losing(plan), *(f"Beware: {plain(one)}." for one in plan.warnings))
    blocks += [Words(warnings, "beware")] * bool(warnings)
    return Section("decision", "The decision", tuple(blocks))


def _losing(plan: Plan) -> tuple[str, ...]:
    """That a plan made for money earns less than it costs; none where it earns more."""
    if not _has_level(plan) or not plan.unit or plan.chosen.value.mean >= 0:
        return ()
    lost = money(-plan.chosen.value.mean, plan.unit)
    gained = "; what it gains is a smaller loss" if plan.gain.mean > 0 else ""
    return (f"Beware: the plan as a whole loses money: {lost} in the mean{gained}.",)


def _has_level(plan: Plan) -> bool:
    """Whether what is maximised is something else than what the channels bring."""
    return abs(plan.chosen.value.mean - plan.chosen.outcome.mean) > SAME * abs(plan.chosen.outcome.mean)


def _facts(plan: Plan) -> tuple[Fact, ...]:
    """Gain, chance of loss, money and outcome, each with its range or what it is of."""
    sure = not one_draw(plan)
    worth, outcome = plan.gain, plan.chosen.outcome
    unit = plan.currency if plan.in_money else ""
    facts = [
        Fact(
            "Gain",
            amount(worth.mean, plan, signed=True),
            f"{range_told(worth, plan.unit)}; " * sure + f"against {compared(plan)}",
            worth.mean,
        )
    ]
    if sure:
        facts.append(
            Fact(
                "Chance to bring less",
                percent(plan.chance_of_loss),
                "than what it is compared with",
                plan.chance_of_loss,
            )
        )
    facts.append(Fact("Money", money(plan.spend, plan.currency), f"{plan.start} to {plan.end}", plan.spend))
    brought = "what these channels bring in that time"
    facts.append(_level(_outcome_name(plan), outcome, unit, brought, sure))
    if _has_level(plan):
        facts.append(_level(opening(plain(plan.measure)), plan.chosen.value, plan.unit, "what is maximised", sure))
    return tuple(facts)


def _level(name: str, of: Range, unit: str, what: str, sure: bool) -> Fact:
    """What comes in all, with its range where that is known."""
    mean, low, high = evenly(of.mean, of.p05, of.p95, currency=unit)
    return Fact(name, mean, f"{f'5-95 %: {low} .. {high}; ' if sure else ''}{what}", of.mean)


def _outcome_name(plan: Plan) -> str:
    """What the channels bring, as a heading."""
    name = plain(plan.counts or (plan.measure if plan.measure != "profit" else "outcome"))
    return opening(name)


def moves_section(given: Given) -> Section | Absent:
    """Where money moves, channel by channel."""
    plan = given.plan
    if plan is None:
        return Absent("where money moves", NO_PLAN)
    chart = Figure("moves", moves_chart(plan))
    title = "Where the money stays" if keeps(plan) else "Where the money moves"
    return Section("moves", title, (chart, moves_table(plan), *_levels(plan)))


def moves_table(plan: Plan) -> Table:
    """Money before and after and what it brings, by channel; parts of channels stand as entries of their own."""
    lines = plan.lines
    before, after, brought = scale_for(plan), scale_for(plan), scale_of(plan.chosen.outcome.mean)
    unit = plan.currency if plan.in_money else ""
    base, spent = sum(plan.baseline.spend), plan.spend
    columns = [
        [text(line.name) for line in lines],
        [text(f"{line.kind}, {line.role}" if line.role else line.kind) for line in lines],
        amounts([line.baseline for line in lines], before, base),
        [Cell(cell.text + "*" * line.beyond, cell.value) for cell, line in _spent(lines, after, spent)],
        _changes(plan, after),
        [_relative(line.baseline, line.spend) for line in lines],
        amounts([line.outcome.mean for line in lines], brought, plan.chosen.outcome.mean),
        *zip(*(ranged(line.outcome, brought) for line in lines), strict=True),
        [_return(plan, line.outcome.mean, line.spend) for line in lines],
        [ratio(line.marginal) for line in lines],
    ]
    name = _outcome_name(plan)
    header = ["Channel", "Kind", before.head("History", plan.currency), after.head("Plan", plan.currency)]
    header += [
        after.head("Change", plan.currency),
        "Change",
        brought.head(name, unit),
        "5 %",
        "95 %",
        _returned(plan),
        NEXT,
    ]
    total = _total(plan, after, brought)
    if one_draw(plan):  # no 5 and 95 % points
        columns, header, total = ([*row[:7], *row[9:]] for row in (columns, header, total))
    return Table(
        "moves",
        f"Money and what it brings by channel, {plan.start} to {plan.end}",
        tuple(header),
        tuple(zip(*columns, strict=True)),
        tuple(total),
        _notes(plan),
    )


def scale_for(plan: Plan) -> Scale:
    """The rounding of a plan's money."""
    return scale_of(max(plan.spend, sum(plan.baseline.spend)))


def _spent(lines: Sequence[Line], scale: Scale, total: float) -> list[tuple[Cell, Line]]:
    return list(zip(amounts([line.spend for line in lines], scale, total), lines, strict=True))


def _changes(plan: Plan, scale: Scale) -> list[Cell]:
    """Changes in money: of the amounts as they are rounded, so that each row adds up as it is read."""
    before = adding([line.baseline for line in plan.lines], sum(plan.baseline.spend), scale)
    after = adding([line.spend for line in plan.lines], plan.spend, scale)
    shown = [one - other for one, other in zip(after, before, strict=True)]
    pairs = zip(shown, plan.lines, strict=True)
    return [figured(one, line.spend - line.baseline, scale, signed=True) for one, line in pairs]


def _relative(before: float, after: float) -> Cell:
    """A change as a share of what it was."""
    if before <= 0:
        return Cell("new") if after > 0 else NOTHING
    return share(after / before - 1, signed=True)


def _total(plan: Plan, money_scale: Scale, brought: Scale) -> list[Cell]:
    base, spent, outcome = sum(plan.baseline.spend), plan.spend, plan.chosen.outcome
    shown = [round(one / money_scale.size, money_scale.places) for one in (base, spent)]
    return [
        Cell("Total"),
        EMPTY,
        figured(shown[0], base, money_scale),
        figured(shown[1], spent, money_scale),
        figured(shown[1] - shown[0], spent - base, money_scale, signed=True),
        _relative(base, spent),
        single(outcome.mean, brought),
        *ranged(outcome, brought),
        _return(plan, outcome.mean, spent),
        EMPTY,
    ]


def _return(plan: Plan, brought: float, spend: float) -> Cell:
    """What each unit of money brings; of an outcome that is counted, what one of it costs."""
    above, below = (brought, spend) if plan.in_money else (spend, brought)
    return NOTHING if spend <= 0 or below <= 0 else ratio(above / below)


def _returned(plan: Plan) -> str:
    return "Return" if plan.in_money else f"Cost of one ({plain(plan.currency)})"


def _notes(plan: Plan) -> str:
    one = f"{plan.currency} 1"
    told = f"Return: what each {one} brings. " if plan.in_money else ""
    told += f"{NEXT}: what the next {one} brings. 5 % and 95 % points do not add up."
    if any(line.beyond for line in plan.lines):
        told += f" * more a {plan.period} than history ever shows."
    scaled = scaled_note(plan)
    return f"{told} {scaled[:1].upper()}{scaled[1:]}".strip() if is_scaled(plan) or scaled else told


def _levels(plan: Plan) -> tuple[Block, ...]:
    """The split by kind, role, geo and segment, where there is one."""
    told = [level for level in plan.above if level.of != "channel"]
    if not told:
        return ()
    scale, base = scale_for(plan), sum(plan.baseline.spend)
    brought = scale_of(plan.chosen.outcome.mean)
    rows = [
        (
            text(f"{level.of} {level.name}" if level.name is not None else f"no {level.of}"),
            single(level.baseline, scale),
            share(level.baseline / base) if base else NOTHING,
            single(level.spend, scale),
            share(level.share),
            single(level.outcome.mean, brought),
            _return(plan, level.outcome.mean, level.spend),
        )
        for level in told
    ]
    header = ["Split", scale.head("History", plan.currency), "Share", scale.head("Plan", plan.currency), "Share"]
    header += [brought.head(_outcome_name(plan), plan.currency if plan.in_money else ""), _returned(plan)]
    cost = split_above(plan).splitlines()[-1] if plan.fixing else ""
    return (Table("split_above", "The split above the channels", tuple(header), tuple(rows), note=cost),)


def proof_section(given: Given) -> Section | Absent:
    """What is proven of the plan, the rules that bind it and what they cost."""
    plan = given.plan
    if plan is None:
        return Absent("the proof", NO_PLAN)
    others = tuple((plain(each.scenario), proof(each).removeprefix("Proof: ")) for each in given.plans[1:])
    facts = Facts(
        (
            Fact("Status", "certified" if plan.certified else "feasible", _status(plan)),
            Fact("Gap", told_gap(plan.gap, plan.risk, 4), "between the plan and what is proven", plan.gap),
        )
    )
    bound = "; ".join(map(plain, plan.binding))
    blocks: list[Block] = [Words((opening(proof(plan).removeprefix("Proof: ")),)), facts]
    blocks += [prices_table(plan)] if plan.prices else [Words((f"Rules that bind: {bound or 'none'}.",))]
    return Section("proof", "The proof", (*blocks, *([Listed(others)] if others else [])))


def _status(plan: Plan) -> str:
    if plan.certified:
        return "no plan under these rules is better by more than 0.1 %"
    return "the bound is proven, but further away" if plan.proven else "the bound is an estimate"


def prices_table(plan: Plan) -> Table:
    """What more room in each rule that binds earns: at the margin, and for a real step."""
    priced = {price.rule: price for price in plan.prices}
    rows = []
    for rule in dict.fromkeys([*priced, *plan.binding]):
        price = priced.get(rule)
        step = None if price is None or price.gain is None or not price.change else price.gain / price.change
        rows.append(
            (
                text(rule),
                Cell(rate(price.dual), price.dual) if price else Cell("no price"),
                Cell(number(price.change), price.change) if price else NOTHING,
                ratio(step),
            )
        )
    one = f"{plan.currency} 1"
    header = ("Rule", f"Next {one} of room earns", f"Real step ({plan.currency})", f"Each {one} of it earns")
    note = (
        "Room: a higher cap, a lower floor, more budget. The next unit is told after the charge for the doubt of "
        "moves, the real step as if asked again, before that charge."
    )
    return Table("prices", "Rules that bind, and what more room in them earns", header, tuple(rows), note=note)
