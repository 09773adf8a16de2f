"""Section of a stress test: what shocks cost, how bad it can get, and what each policy makes of them."""

import numpy as np
from jaxtyping import Float

from engine.report.charts.cases import in_case
from engine.report.charts.fan import stressed_course_chart
from engine.report.charts.look import SLIM, opening
from engine.report.charts.ranges import policies_chart
from engine.report.charts.risk import outcomes_chart
from engine.report.charts.shocked import bridge_chart, tornado_chart
from engine.report.page.beside import apart_told
from engine.report.page.cells import EMPTY, NOTHING, figured, share, single, text
from engine.report.page.given import Given
from engine.report.page.records import Absent, Block, Cell, Fact, Facts, Figure, Section, Table, Words
from engine.report.rounding import Scale, adding, evenly, scale_of
from engine.report.stress import decision
from engine.report.stress_choice import DOING, TOLD, choice, gained, told_case
from engine.stress.readout import Answer, CaseReading, Reading, Spread
from engine.words import money, percent, plain

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)  # of paths, told in a table
NO_STRESS = "Give the folder of a stress test: peso stress SCENARIO --fit FIT --out STRESS."


def stress_section(given: Given) -> Section | Absent:
    """What a plan is worth under shocks."""
    found = given.stress
    if found is None:
        return Absent("how the plan stands shocks", NO_STRESS)
    case = told_case(found)
    blocks: list[Block] = [*apart_told(given, "this stress test", found.scenario)]
    blocks += [Words((decision(found),), "finding"), Facts(_facts(found, case))]
    warnings = given.news(found.warnings)
    blocks += [Words(tuple(f"Beware: {plain(one)}." for one in warnings), "beware")] * bool(warnings)
    best = choice(case)
    blocks += [Words((_among(found, case),))] * (len(found.cases) > 1)
    blocks.append(Figure("policies", policies_chart(found, case), policies_table(found, case)))
    if found.tornado:
        blocks.append(Figure("tornado", tornado_chart(found), tornado_table(found), tornado_chart(found, SLIM)))
    if found.bridge:
        blocks.append(Figure("bridge", bridge_chart(found), bridge_table(found)))
    blocks += [cases_table(found)] * (len(found.cases) > 1)
    if given.outcomes is not None:
        chart = outcomes_chart(found, best, given.outcomes)
        blocks.append(Figure("outcomes", chart, outcomes_table(found, best, given.outcomes)))
    if len(best.quarters) > 1:
        blocks.append(Figure("stress_course", stressed_course_chart(found, best), course_table(found, best)))
    title = f"How “{plain(found.scenario)}” stands" if given.other_than_plan(found.scenario) else "How the plan stands"
    return Section("stress", f"{title} shocks", tuple(blocks))


def _among(found: Answer, case: CaseReading) -> str:
    """Which of several cases is told in full, and in which of them another policy is best."""
    others = sum(choice(each) is not each.policies[0] for each in found.cases)
    told = f"Told in full is one of {len(found.cases)} cases: {plain(case.name)}. "
    many, held = others or "none", DOING[case.policies[0].policy]
    return f"{told}Another policy than {held} surely brings more in {many} of them: see every case below."


def _facts(found: Answer, case: CaseReading) -> tuple[Fact, ...]:
    """The outcome under shocks, the chance of the plan, and the worst paths."""
    best, where = choice(case), in_case(found, case)
    out, worst = best.outcome, found.planned.mean - best.shortfall
    mean, low, high = evenly(out.mean, out.p05, out.p95, currency=found.unit)
    range_told = f"5-95 %: {low} .. {high}; {TOLD[best.policy]}"
    wanted = f"reaches {money(found.target if found.target is not None else found.planned.mean, found.unit)}"
    return (
        Fact(f"{opening(plain(found.measure))} under shocks{where}", mean, range_told, out.mean),
        Fact(f"{_chance(found)}{where}", percent(best.target), wanted, best.target),
        Fact(
            f"Worst {percent(found.level)} of paths{where}",
            money(worst, found.unit),
            f"in their mean, {money(best.shortfall, found.unit)} below the plan",
            worst,
        ),
    )


def _chance(found: Answer) -> str:
    """What it is the chance of."""
    return "Chance of the plan's own outcome" if found.target is None else "Chance of the target"


def _reaches(found: Answer) -> str:
    """The same as the heading of a column."""
    return "Reaches the plan" if found.target is None else "Reaches target"


def policies_table(found: Answer, case: CaseReading) -> Table:
    """One row for each policy: outcome, profit, chance of the target, and how bad it can get."""
    scale = scale_of(found.planned.mean)
    money_scale = scale_of(found.spend)
    by_profit = any(one.profit for one in case.policies)
    rows = []
    for one in case.policies:
        over = gained(one)
        rows.append(
            (
                text(TOLD[one.policy]),
                *_spread(one.outcome, scale),
                single(one.spend.mean, money_scale),
                *([_profit(one, scale)] if by_profit else []),
                share(one.target),
                single(one.at_risk, scale),
                single(one.shortfall, scale),
                EMPTY if over is None else single(over.mean, scale, signed=True),
            )
        )
    header = ["What is done", scale.head(opening(plain(found.measure)), found.unit), "5 %", "95 %"]
    header += [money_scale.head("Money", found.currency)] + [scale.head("Profit", found.currency)] * by_profit
    header += [_reaches(found), *(scale.head(name, found.unit) for name in ("Value at risk", "Mean of the worst"))]
    header += [scale.head(f"Beyond: {TOLD[case.policies[0].policy]}", found.unit)]
    note = (
        f"Value at risk and mean of the worst {percent(found.level)} of paths: so far below the plan's "
        f"{money(found.planned.mean, found.unit)}. All over {case.paths:,} paths of {plain(case.name)}."
    )
    return Table("policies", f"What each policy comes to{in_case(found, case)}", tuple(header), tuple(rows), note=note)


def _spread(of: Spread, scale: Scale) -> tuple[Cell, Cell, Cell]:
    mean, low, high = (single(one, scale) for one in (of.mean, of.p05, of.p95))
    return mean, low, high


def _profit(one: Reading, scale: Scale) -> Cell:
    return single(one.profit.mean, scale) if one.profit else NOTHING


def outcomes_table(found: Answer, one: Reading, outcomes: Float[np.ndarray, " path"]) -> Table:
    """How much of the outcome comes on how many of the paths, and the mean of the worst."""
    scale = scale_of(found.planned.mean)
    points = [(f"{percent(share)} of paths are below", share) for share in SHARES]
    told = [(name, float(np.quantile(outcomes, at))) for name, at in points]
    told.append((f"mean of the worst {percent(found.level)}", found.planned.mean - one.shortfall))
    rows = tuple((text(name), single(value, scale)) for name, value in told)
    header = ("What", scale.head(opening(plain(found.measure)), found.unit))
    return Table("outcomes", f"Outcome over {len(outcomes):,} paths{in_case(found)}: {TOLD[one.policy]}", header, rows)


def tornado_table(found: Answer) -> Table:
    """What each shock changes alone, at both of its ends, the largest first."""
    bars = sorted(found.tornado, key=lambda bar: -max(abs(bar.low), abs(bar.high)))
    scale = scale_of(max(abs(end) for bar in bars for end in (bar.low, bar.high)) or 1.0)
    rows = tuple(
        (
            text(bar.name),
            single(bar.low, scale, signed=True),
            single(bar.high, scale, signed=True),
        )
        for bar in bars
    )
    header = ("Shock", scale.head("At its low end", found.unit), scale.head("At its high end", found.unit))
    note = "While the plan is held. Ends are 5 and 95 % points; of a shock of one size: without it, and with it."
    return Table("tornado", f"What each shock alone changes in {plain(found.measure)}", header, rows, note=note)


def bridge_table(found: Answer) -> Table:
    """From the plan to the outcome, shock by shock."""
    steps = [bar.low for bar in found.bridge[1:-1]]
    scale, end = scale_of(found.planned.mean), found.bridge[-1].low
    first = found.bridge[0].low
    shown = adding([first, *steps], end, scale)
    rows = [
        (text(bar.name), figured(one, bar.low, scale, signed=at > 0))
        for at, (bar, one) in enumerate(zip(found.bridge[:-1], shown, strict=True))
    ]
    total = (text(found.bridge[-1].name), single(end, scale))
    header = ("Step", scale.head(opening(plain(found.measure)), found.unit))
    return Table("bridge", "From the plan to the outcome, in the mean", header, tuple(rows), total)


def cases_table(found: Answer) -> Table:
    """One row for each case, under the policy that is best there."""
    scale = scale_of(found.planned.mean)
    rows = []
    for case in found.cases:
        held, best = case.policies[0], choice(case)
        rows.append(
            (
                text(case.name),
                *_spread(held.outcome, scale),
                share(held.target),
                text(TOLD[best.policy]),
                single(best.outcome.mean, scale),
            )
        )
    first = TOLD[found.cases[0].policies[0].policy]
    header = ["Case", scale.head(opening(first), found.unit), "5 %", "95 %", _reaches(found), "Best", "Comes to"]
    return Table("cases", "Every case", tuple(header), tuple(rows))


def course_table(found: Answer, one: Reading) -> Table:
    """Outcome and money by quarter under one policy, beside the plan."""
    scale, paid = scale_of(found.planned.mean), scale_of(found.spend)
    planned = adding([each.planned for each in one.quarters], sum(each.planned for each in one.quarters), scale)
    means = adding([each.outcome.mean for each in one.quarters], one.outcome.mean, scale)
    money_shown = adding([each.spend.mean for each in one.quarters], one.spend.mean, paid)
    rows = tuple(
        (
            text(each.name),
            figured(plan, each.planned, scale),
            figured(mean, each.outcome.mean, scale),
            single(each.outcome.p05, scale),
            single(each.outcome.p95, scale),
            figured(spent, each.spend.mean, paid),
        )
        for each, plan, mean, spent in zip(one.quarters, planned, means, money_shown, strict=True)
    )
    name = plain(found.measure)
    header = ["Quarter", scale.head("Plan", found.unit), scale.head("Under shocks", found.unit), "5 %", "95 %"]
    header += [paid.head("Money", found.currency)]
    whole = sum(each.planned for each in one.quarters)
    total = (
        Cell("Total"),
        single(whole, scale),
        *_spread(one.outcome, scale),
        single(one.spend.mean, paid),
    )
    caption = f"{opening(name)} by quarter{in_case(found)}: {TOLD[one.policy]}"
    return Table("stress_course", caption, tuple(header), rows, total)
