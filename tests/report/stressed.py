"""A small answer of a stress test, written by hand: every figure follows from a few amounts by quarter."""

from dataclasses import replace

from engine.report.stress_workbook import stress_workbook
from engine.stress.moved import Moved
from engine.stress.readout import (
    Answer,
    Bar,
    BreakEven,
    CaseReading,
    Committed,
    Flow,
    Gain,
    Quarter,
    Reading,
    Spread,
    Terms,
    WorstPath,
)
from tests.report.formulas import Workbook

RATE, MARGIN = 0.1, 0.4
PLANNED = (3_000.0, 4_000.0, 500.0)
SPENT = {"hold": (1_000.0, 1_200.0, 0.0), "replan": (900.0, 1_000.0, 0.0)}
CAME = {"hold": (2_500.0, 3_100.0, 400.0), "replan": (2_600.0, 3_300.0, 410.0)}
YEARS = ((0.1, 0.05), (0.4, 0.35), (0.8, 0.6))  # until customers pay and media are paid


def around(mean, width=0.1):
    """A figure with its band."""
    return Spread(mean, mean - width * abs(mean), mean * 1.01, mean + width * abs(mean))


def flows(came, spent):
    """What is earned in a quarter is received half in it and half in the next one, media are paid at once."""
    earned = [MARGIN * one for one in came]
    later = [one / 2 for one in earned]
    received = [later[0], later[1] + later[0], earned[2] + later[1]]
    return [Flow(money, years[0], paid, years[1]) for money, paid, years in zip(received, spent, YEARS, strict=True)]


def quarters(policy, share, in_money):
    """The quarters of a policy of which a share of the outcome comes."""
    came = [share * one for one in CAME[policy]]
    moved = flows(came, SPENT[policy])
    return tuple(
        Quarter(
            name=name,
            planned=PLANNED[at],
            outcome=around(came[at]),
            spend=around(SPENT[policy][at]),
            profit=around(MARGIN * came[at] - SPENT[policy][at]) if in_money else None,
            cash=around(moved[at].received - moved[at].paid) if in_money else None,
            lost=None,
            flow=moved[at] if in_money else None,
        )
        for at, name in enumerate(("2027-01-04 to 2027-04-04", "2027-04-05 to 2027-07-04", "after the end"))
    )


def reading(policy, share=1.0, in_money=True):
    """What a policy comes to."""
    told = quarters(policy, share, in_money)
    total = sum(one.outcome.mean for one in told)
    hold = sum(share * one for one in CAME["hold"])
    profit = sum(one.profit.mean for one in told) if in_money else None
    present = (
        sum(
            one.flow.received / (1 + RATE) ** one.flow.received_years
            - one.flow.paid / (1 + RATE) ** one.flow.paid_years
            for one in told
        )
        if in_money
        else None
    )
    return Reading(
        policy=policy,
        outcome=around(total),
        spend=around(sum(SPENT[policy])),
        profit=around(profit) if in_money else None,
        present=around(present) if in_money else None,
        target=0.25,
        at_risk=1_900.0,
        shortfall=2_100.0,
        paid_back=0.5 if in_money else None,
        payback=None,
        overspent=0.0,
        quarters=told,
        gain=None if policy == "hold" else Gain(total - hold, total - hold - 30, total - hold + 30, 0.125),
        worst=(0,),
    )


def answer(names=("all shocks by chance",), in_money=True, terms=None, **changed):
    """The whole answer; each further case brings a tenth less."""
    policies = ("hold", "replan")
    cases = tuple(
        CaseReading(name, "montecarlo", 200, tuple(reading(policy, 1 - at / 10, in_money) for policy in policies))
        for at, name in enumerate(names)
    )
    came, planned = cases[0].policies[1].outcome.mean, sum(PLANNED)
    lost = cases[0].policies[0].outcome.mean - planned
    bars = (Bar("the plan", planned, planned), Bar("dear", lost, lost))
    bars = (*bars, Bar("replan", came - planned - lost, came - planned - lost), Bar("comes to", came, came))
    given = {
        "scenario": "Year of doubt",
        "currency": "EUR",
        "unit": "EUR",
        "measure": "revenue",
        "span": "2027-01-04 to 2027-07-04",
        "asked": "the scenario's shocks by chance",
        "planned": around(planned),
        "calm": 0.5,
        "spend": 2_300.0,
        "target": 7_000.0,
        "level": 0.05,
        "days": ("2027-01-04",),
        "cases": cases,
        "bridge": bars if len(names) == 1 else (),
        "tornado": (),
        "worst": (),
        "even": (),
        "committed": (),
        "queue": (),
        "warnings": ("the fit is weak",),
        "seed": 7,
        "hash": "0f" * 32,
        "made_from": "curves sha256:aa",
        "terms": terms or Terms(MARGIN if in_money else None, RATE, 4, 2, "week"),
    }
    return Answer(**{**given, **changed})


def full(text="dear", **changed):
    """An answer with everything that can be told, in which a text of others stands wherever one can."""
    planned, quarter = sum(PLANNED), "2027-01-04 to 2027-04-04"
    calm = replace(reading("hold", planned / sum(CAME["hold"])), profit=around(MARGIN * planned - 2_300.0))
    came = sum(CAME["replan"])
    bars = (planned, -1_400.0, -100.0, came - planned + 1_500.0, came)
    named = zip(("the plan", "dear", "late", "replan", "comes to"), bars, strict=True)
    given = {
        "bridge": tuple(Bar(name, bar, bar) for name, bar in named),
        "tornado": (Bar("late", 0.0, -100.0), Bar(text, 350.0, -1_900.0)),
        "worst": tuple(
            WorstPath(number, planned - lost, "replan", -1_200.0, text, 1_000.0 - lost, (f"{text} 1.3", "late"))
            for number, lost in ((4, 3_100.0), (9, 2_700.0))
        ),
        "even": (BreakEven(text, "price", "profit", 1.25), BreakEven("late", "demand", "target", None)),
        "committed": (Committed(text, 700.0, 84.0), Committed("radio", 0.0, 0.0)),
        "queue": ((quarter, 0.25, 0.375), ("2027-04-05 to 2027-07-04", 0.05, 0.9)),
        "moved": (Moved(text, quarter, 2_300.0, 1_400.0), Moved("radio", quarter, 0.0, 500.0)),
        "moved_in": ("all shocks by chance", "replan"),
        "decisions": ("2027-01-04", "2027-04-05"),
        "unshocked": calm,
    }
    return answer(**{**given, **changed})


def written(folder, told):
    """The workbook of an answer, as it was read again."""
    path = folder / "stress.xlsx"
    stress_workbook(path, told)
    return Workbook(path)
