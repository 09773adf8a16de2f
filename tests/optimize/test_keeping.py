"""What keeps a channel's money at another effect is what it would move without, not what binds in the plan as it is."""

import pytest

from engine.optimize.explaining import explained
from engine.optimize.plan import optimize
from engine.report.explaining import explanation_text
from tests.optimize.builders import channel, curves, scenario


def explained_of(held, text):
    question = scenario(text)
    plan = optimize(held, question)
    return plan, explained(held, question, plan)


def test_a_rule_that_holds_a_channel_at_a_lower_effect_alone_is_named_as_what_holds_it_there():
    """The plan stands just above the floor, so that nothing holds it there, and yet it cannot lose a tenth."""
    held = curves(channel("a", 100.0, 40.0, 1.0), channel("b", 60.0, 40.0, 1.0))
    free = optimize(held, scenario("budget = { total = 100 }\n")).lines[1].spend
    plan, why = explained_of(held, f"budget = {{ total = 100 }}\n[channels.b]\nfloor = {0.95 * free}\n")
    assert why.reasons[1].held == () and why.reasons[1].lessens is None
    assert why.reasons[1].kept == ("floor of b",)
    told = "b keeps nine tenths of its money even at a sixteenth of its effect: floor of b holds it there."
    assert told in explanation_text(plan, why)


def test_a_channel_kept_from_money_at_any_effect_names_what_keeps_it():
    held = curves(channel("a", 100.0, 40.0, 1.0), channel("b", 5.0, 40.0, 1.0))
    _, why = explained_of(held, "budget = { total = 100 }\n[channels.b]\nlocked = 0\n")
    assert why.reasons[1].enters is None and why.reasons[1].kept == ("b locked",)


@pytest.mark.parametrize("rules", ["", "[channels.a]\nfloor = 10\n"])
def test_a_channel_that_keeps_some_money_of_its_own_accord_names_no_rule(rules):
    """Its first money is so good that a sixteenth of its effect is worth some of it still."""
    held = curves(channel("a", 100.0, 40.0, 1.0), channel("b", 800.0, 10.0, 1.0))
    plan, why = explained_of(held, f"budget = {{ total = 100 }}\n{rules}")
    assert why.reasons[1].lessens and why.reasons[1].leaves is None and why.reasons[1].kept == ()
    assert "; it keeps some even at a sixteenth of its effect." in explanation_text(plan, why)
