"""The text of a stress test: what a policy costs stands beside what it brings, and trifles are no reason to change."""

from dataclasses import replace

import pytest

from engine.report.stress import Beside, choice, decision, stress_document, stress_text
from engine.stress.heeded import Unkept
from engine.stress.moved import Moved
from engine.stress.readout import CaseReading, Gain
from tests.report.stressed import PLANNED, answer, around, reading


def with_second(told, **changed):
    """The answer with another second policy."""
    case = told.cases[0]
    hold, other = case.policies
    return replace(told, cases=(replace(case, policies=(hold, replace(other, **changed))),))


@pytest.mark.parametrize(
    ("spend", "said"),
    [
        (1_900.0, "holding the plan, for EUR 300 less spend, profit "),
        (2_500.0, "holding the plan, for EUR 300 more spend, profit "),
        (2_201.0, "over holding the plan, profit "),
    ],
)
def test_money_that_a_gain_costs_stands_beside_it(spend, said):
    told = with_second(answer(), spend=around(spend), profit=around(reading("hold").profit.mean + 250))
    assert f"{said}EUR +250, less on" in decision(told)


def test_where_no_profit_is_known_only_the_money_is_told():
    told = decision(answer(in_money=False))
    assert "over holding the plan, for EUR 300 less spend, less on" in told
    assert "profit" not in told


def test_the_decision_comes_first_with_its_range_its_gain_and_its_chance():
    told = decision(answer())
    assert told.startswith("Year of doubt, 2027-01-04 to 2027-07-04: plan anew each time. Under the scenario's shocks")
    assert "that brings EUR 6,310 revenue (5-95 %: EUR 5,679 .. EUR 6,941), EUR +310 (95 % sure: EUR +280 .. " in told
    assert (
        "Chance to reach the target of EUR 7,000: 25.0 % (25.0 % if you hold the plan, 50.0 % without shocks)" in told
    )


@pytest.mark.parametrize(("share", "chosen"), [(0.5, "hold"), (2.0, "replan")])
def test_a_sure_gain_of_a_trifle_is_no_reason_to_leave_the_plan(share, chosen):
    trifle = share * 1e-4 * sum(PLANNED)
    told = with_second(answer(), gain=Gain(trifle, 0.9 * trifle, 1.1 * trifle, 0.0))
    assert choice(told.cases[0]).policy == chosen
    assert ("no other policy that was played surely brings more" in decision(told)) == (chosen == "hold")


def test_a_gain_that_is_not_sure_is_none():
    told = with_second(answer(), gain=Gain(500.0, -1.0, 1001.0, 0.4))
    assert choice(told.cases[0]).policy == "hold"


def test_nobody_lacks_less_than_nothing():
    hold, known = reading("hold"), replace(reading("replan"), policy="foresight")
    known = replace(known, outcome=around(hold.outcome.mean - 0.01))
    told = replace(answer(), cases=(CaseReading("all", "montecarlo", 200, (hold, known)),))
    assert "None is told for hold the plan, which brings as much or more" in " ".join(stress_text(told).split())


@pytest.mark.parametrize(("bridged", "said"), [(0, False), (200, False), (120, True)])
def test_a_bridge_of_some_paths_says_so(bridged, said):
    assert ("on the first 120 paths" in stress_text(replace(answer(), bridged=bridged))) == said


def flat(text):
    """A text on one line."""
    return " ".join(text.split())


def by_profit(told, gain):
    """The answer of a plan made for profit, with what the second policy brings of it beyond the first."""
    told = with_second(told, over_first=gain)
    return replace(told, cases=tuple(replace(case, by_profit=True) for case in told.cases))


@pytest.mark.parametrize(
    ("gain", "chosen"), [(Gain(90.0, 60.0, 120.0, 0.1), "replan"), (Gain(-90.0, -120.0, -60.0, 0.9), "hold")]
)
def test_a_plan_made_for_profit_has_its_policies_ranked_by_it_and_says_so(gain, chosen):
    told = by_profit(answer(), gain)
    assert choice(told.cases[0]).policy == chosen
    assert ("plan anew each time (ranked by profit)" in decision(told)) == (chosen == "replan")
    assert ("EUR +90 profit (95 % sure: EUR +60 .. EUR +120) over holding the plan" in decision(told)) == (
        chosen == "replan"
    )
    assert ("no other policy that was played surely brings more profit" in decision(told)) == (chosen == "hold")
    assert "policies are ranked by profit" in flat(stress_text(told))


def test_who_breaks_rules_is_not_recommended_without_saying_so():
    broken = (Unkept("ramp of tv", 0.3, 40.0), Unkept("tv at most", 0.1, 9.0))
    told = decision(with_second(answer(), broken=0.35, unkept=broken))
    assert told.endswith("It breaks rules on 35.0 % of the paths, most often: ramp of tv.")
    paid = decision(with_second(answer(), overspent=0.2))
    assert "On 20.0 % of the paths more is committed than there is money for" in paid


def test_beside_who_breaks_rules_stands_the_best_that_keeps_them():
    hold, other = answer().cases[0].policies
    cut = replace(other, policy="trim", broken=0.4, unkept=(Unkept("ramp of tv", 0.4, 40.0),))
    kept = replace(other, gain=Gain(200.0, 190.0, 210.0, 0.0), outcome=around(other.outcome.mean - 110))
    told = replace(answer(), cases=(CaseReading("all", "montecarlo", 200, (hold, cut, kept)),))
    assert choice(told.cases[0]).policy == "trim"
    assert (
        "It heeds no rule but commitments, and breaks others on 40.0 % of the paths, most often: ramp of tv; planning "
        "anew each time breaks none and brings EUR +200 (95 % sure: EUR +190 .. EUR +210) over holding the plan."
    ) in decision(told)


def test_the_plan_without_shocks_stands_above_the_policies():
    calm = replace(reading("hold"), policy="plan", outcome=around(7_500.0), gain=None)
    rows = stress_text(replace(answer(), unshocked=calm), 160).splitlines()
    at = next(number for number, row in enumerate(rows) if row.startswith("policy "))
    assert " ".join(rows[at + 1].split()).startswith("the plan, without shocks 7,500 6,750 7,575 8,250 5,400 25.0 %")
    assert rows[at + 2].startswith("hold the plan")


def test_where_foresight_helps_nobody_there_is_nothing_to_regret():
    hold = reading("hold")
    known = replace(reading("replan"), policy="foresight", gain=Gain(0.0, -1.0, 1.0, 0.5))
    told = replace(answer(), cases=(CaseReading("all", "montecarlo", 200, (hold, known)),))
    assert "Who knows every shock ahead could do no better" in flat(stress_text(told))


def moves():
    """Money that goes from television to search in the second quarter."""
    first, second = "2027-01-04 to 2027-04-04", "2027-04-05 to 2027-07-04"
    return (
        Moved("tv", first, 800.0, 800.0),
        Moved("tv", second, 900.0, 700.0),
        Moved("search", first, 200.0, 200.0),
        Moved("search", second, 300.0, 400.0),
        Moved("press", first, 50.0, 50.0),
        Moved("press", second, 50.0, 50.0),
    )


def test_where_the_money_goes_is_told_by_channel_and_quarter_the_biggest_mover_first():
    text = stress_text(replace(answer(), moved=moves(), moved_in=("all shocks by chance", "replan")))
    rows = [line.split("  ") for line in text.split("Where the money goes")[1].split("\n\n")[0].splitlines()[1:]]
    told = {row[0]: [cell.strip() for cell in row[1:] if cell] for row in rows}
    assert list(told) == ["channel", "tv", "search", "all channels"]
    assert told["channel"] == ["from 2027-01-04", "from 2027-04-05", "in all"]
    assert told["tv"] == ["800", "700 (-200)", "1,500 (-200)"]
    assert told["all channels"] == ["1,050", "1,150 (-100)", "2,200 (-100)"]


def test_the_last_line_is_the_one_thing_to_do():
    told = replace(answer(), moved=moves(), moved_in=("all shocks by chance", "replan"))
    last = stress_text(told).splitlines()[-1]
    assert last.startswith("Next: on 2027-04-05, and at each decision after it, plan the rest anew with `peso replan`")
    assert "expect tv EUR -200 and search EUR +100" in last
    assert stress_document(told)["next"] == last.removeprefix("Next: ")
    held = with_second(answer(), gain=Gain(0.0, -1.0, 1.0, 0.5))
    assert stress_text(held).splitlines()[-1].startswith("Next: carry out the plan")


def test_what_tuning_found_comes_first_and_says_what_is_next():
    text = stress_text(answer(), beside=Beside("Hold back 5 %.", "In the world ...", "Next: write it down."))
    assert text.startswith("Year of doubt, 2027-01-04 to 2027-07-04: Hold back 5 %.\n\nYear of doubt")
    assert text.endswith("Next: write it down.")
    assert "\n\nIn the world ...\n\n" in text


def test_how_often_a_trigger_was_pulled_is_told_by_decision():
    hold, other = answer().cases[0].policies
    pulled = replace(other, policy="trigger", anew=(0.0, 0.25, 0.5), ever_anew=0.6)
    days = ("2027-01-04", "2027-04-05", "2027-06-01")
    told = replace(answer(), decisions=days, cases=(CaseReading("all", "montecarlo", 200, (hold, pulled)),))
    assert "plan anew on a trigger 60.0 % (2027-04-05 on 25.0 %, 2027-06-01 on 50.0 %)." in flat(stress_text(told))


def test_cash_stands_beside_profit_only_where_it_is_another():
    assert "`present` is the present value" in flat(stress_text(answer()))
    same = answer()
    policies = tuple(replace(one, present=one.profit) for one in same.cases[0].policies)
    text = flat(stress_text(replace(same, cases=(replace(same.cases[0], policies=policies),))))
    assert "present value" not in text
    assert "Cash moves when it is earned and spent" in text


def test_a_wide_terminal_has_each_table_in_one():
    narrow, wide = stress_text(answer(), 80), stress_text(answer(), 160)
    assert narrow.count("\npolicy ") > wide.count("\npolicy ") == 1


def ladder(*outcomes, **changed):
    """A ladder of cuts in which the plan held comes to these shares of its outcome."""
    planned, cases, milder = sum(PLANNED), [], None
    for at, share in enumerate(outcomes, 1):
        hold = replace(reading("hold"), outcome=around(share * planned), profit=None)
        name = f"budget -{at}0 %"
        cases.append(CaseReading(name, "budget", 200, (hold,), harsher_than=milder, size=at / 10))
        milder = name
    return answer(bridge=(), **{"target": None, "cases": tuple(cases), **changed})


def test_a_ladder_says_where_the_plan_first_fails_and_how_far_it_is_safe():
    told = decision(ladder(0.99, 0.96, 0.9, 0.5))
    assert "held, the plan falls more than 5.0 % short of its EUR 7,500 revenue first at budget -30 % (EUR -750" in told
    assert "It is safe as far as budget -20 %." in told
    assert "held, the plan misses its target of EUR 7,300 first at budget -20 %" in decision(
        ladder(0.99, 0.96, 0.9, target=7_300.0)
    )


def test_a_ladder_that_breaks_nothing_says_so():
    assert (
        "held, the plan stays within 5.0 % of its EUR 7,500 revenue in all 2 cases; budget -20 % costs most"
        in decision(ladder(0.99, 0.96))
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": 8_000.0}, "the plan misses its target of EUR 8,000 even without shocks; held, the plan falls more"),
        (
            {"unshocked": replace(reading("hold"), profit=around(-9.0))},
            "the plan loses money even without shocks; held",
        ),
    ],
)
def test_a_plan_that_fails_anyway_is_said_to(changed, said):
    assert f": {said}" in decision(ladder(0.99, 0.9, **changed))


def test_with_a_margin_failing_is_losing_money():
    calm = replace(reading("hold"), policy="plan", profit=around(100.0))
    cases = [
        CaseReading(name, "price", 200, (replace(reading("hold"), profit=around(profit)),), size=0.2)
        for name, profit in (("tv price", 60.0), ("search price", -10.0))
    ]
    told = answer(unshocked=calm, cases=tuple(cases), bridge=(), target=None)
    assert "held, the plan loses money first at search price" in decision(told)
    rows = [line.split("  ") for line in stress_text(told, 160).splitlines()]
    fails = {row[0]: "yes" in [cell.strip() for cell in row] for row in rows if row[0].endswith(" price")}
    assert fails == {"tv price": False, "search price": True}
