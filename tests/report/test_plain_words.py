"""What a reader of the first lines of a plan would else have to guess: moves, losses, savings, what is certified."""

import pytest

from engine.optimize.compare import compare
from engine.optimize.plan import optimize
from engine.report.answer import comparison_text, decision, plan_text
from engine.report.figures import NAMED, moves
from engine.words import money, percent

HISTORY = 52 * (150.0 + 60.0)


def held(make, effect=1.0, prudence=0.0):
    """Two channels of two draws on which history spent 10,920 a year."""
    return make.curves(
        make.channel("tv", [effect * 300.0, effect * 340.0], 100.0, 0.9, mean=150.0, most=200.0),
        make.channel("search", [effect * 500.0, effect * 450.0], 80.0, 0.8, mean=60.0, most=900.0),
        prudence=prudence,
    )


def asked(make, total="of_history = 1.0", text=""):
    return make.scenario(f"budget = {{ {total} }}\n{text}", 52, "Next year")


@pytest.mark.parametrize("count", [1, 2, 3, NAMED, NAMED + 1, NAMED + 5])
def test_moves_are_told_by_name_up_to_six_and_the_money_of_the_rest(count):
    change = {f"c{at}": 100.0 * (count - at) for at in range(count)} | {"tv": -100.0}
    told = moves(change, 1.0, "USD").removeprefix("move money from tv (USD 100) to ")
    named = [f"c{at} ({money(change[f'c{at}'], 'USD')})" for at in range(min(count, NAMED))]
    if count > NAMED:
        rest = sum(100.0 * (count - at) for at in range(NAMED, count))
        named.append(f"{count - NAMED} more ({money(rest, 'USD')})")
    assert told.replace(" and ", ", ").split(", ") == named
    assert told.count(" and ") == (len(named) > 1)


def test_a_loss_that_rules_ask_for_is_told_as_what_they_cost(make):
    free, ruled = asked(make), asked(make, text="[channels.search]\ncap = 1000\n")
    plan = optimize(held(make), ruled)
    assert plan.gain.mean < 0 and plan.baseline.broken
    told = "; the rules asked for cost that: history's split does not keep them."
    assert decision(plan).endswith(f"chance to bring less {percent(plan.chance_of_loss)}{told}")
    assert "the rules asked for" not in decision(optimize(held(make), free))


def test_money_that_is_saved_is_told_beside_what_is_lost(make):
    half, more = asked(make, "of_history = 0.5"), asked(make, "of_history = 1.5")
    saved = f"with {money(HISTORY / 2, 'USD')} against {money(HISTORY, 'USD')} ({money(HISTORY / 2, 'USD')} saved)."
    assert saved in comparison_text(compare(held(make), [half]))
    assert "saved" not in comparison_text(compare(held(make), [more]))


def test_money_whose_next_unit_brings_less_than_itself_is_told(make):
    for effect, told in ((0.5, True), (20.0, False)):
        plan = optimize(held(make, effect), asked(make))
        price = next(one.dual for one in plan.prices if one.rule == "budget")
        assert (price < 1) is told
        assert (f"The next USD 1 of budget brings {price:.2f} revenue, less than it costs" in plan_text(plan)) is told
    goal = 'goal = { maximise = "profit", margin = 0.5 }\n'
    assert "less than it costs" not in plan_text(optimize(held(make, 0.5), asked(make, text=goal)))


def test_the_change_is_against_history_scaled_and_the_rules_against_history_itself(make):
    note = "change: against the scaled split; rules of history (relative) are about what it spent, unscaled."
    assert note in plan_text(optimize(held(make), asked(make, "of_history = 0.5")))
    assert note not in plan_text(optimize(held(make), asked(make)))


def test_a_prudent_target_says_which_money_is_certified(make):
    told = "; certified is the money without prudence, and below the split of the money with it."
    calm, prudent = (optimize(held(make, 1.0, doubt), asked(make, "target_outcome = 26000")) for doubt in (0.0, 4.0))
    assert prudent.certified and prudent.found.money > 1.001 * prudent.found.unhurried
    assert told in plan_text(prudent) and told not in plan_text(calm)
