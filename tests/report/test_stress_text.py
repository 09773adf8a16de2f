"""The text of a stress test: what a policy costs stands beside what it brings, and trifles are no reason to change."""

from dataclasses import replace

import pytest

from engine.report.stress import choice, decision, stress_text
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
        (1_900.0, ", for EUR 300 less spend, profit "),
        (2_500.0, ", for EUR 300 more spend, profit "),
        (2_201.0, "over that, profit "),
    ],
)
def test_money_that_a_gain_costs_stands_beside_it(spend, said):
    told = with_second(answer(), spend=around(spend), profit=around(reading("hold").profit.mean + 250))
    assert f"{said}EUR +250, chance" in decision(told)


def test_where_no_profit_is_known_only_the_money_is_told():
    told = decision(answer(in_money=False))
    assert "over that, for EUR 300 less spend, chance" in told
    assert "profit" not in told


def test_in_the_worst_of_many_cases_money_is_told_too():
    told = decision(answer(("mild", "harsh")))
    assert "of it, for EUR 300 less spend, profit EUR " in told


@pytest.mark.parametrize(("share", "chosen"), [(0.5, "hold"), (2.0, "replan")])
def test_a_sure_gain_of_a_trifle_is_no_reason_to_leave_the_plan(share, chosen):
    trifle = share * 1e-4 * sum(PLANNED)
    told = with_second(answer(), gain=Gain(trifle, 0.9 * trifle, 1.1 * trifle, 0.0))
    assert choice(told.cases[0]).policy == chosen
    assert ("stay with the plan" in decision(told)) == (chosen == "hold")


def test_a_gain_that_is_not_sure_is_none():
    told = with_second(answer(), gain=Gain(500.0, -1.0, 1001.0, 0.4))
    assert choice(told.cases[0]).policy == "hold"


def test_nobody_lacks_less_than_nothing():
    hold, known = reading("hold"), replace(reading("replan"), policy="foresight")
    known = replace(known, outcome=around(hold.outcome.mean - 0.01))
    told = replace(answer(), cases=(CaseReading("all", "montecarlo", 200, (hold, known)),))
    assert "knows every shock ahead: hold the plan EUR 0." in " ".join(stress_text(told).split())


@pytest.mark.parametrize(("bridged", "said"), [(0, False), (200, False), (120, True)])
def test_a_bridge_of_some_paths_says_so(bridged, said):
    assert ("on the first 120 paths" in stress_text(replace(answer(), bridged=bridged))) == said
