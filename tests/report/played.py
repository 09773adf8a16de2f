"""Stress tests that are really played, on small curves of three channels: one by chance, one ladder."""

from pathlib import Path

from engine.stress.readout import Answer
from engine.stress.rolling import planner
from engine.stress.run import Hands, Work, run
from engine.stress.sets import Case, ladder
from engine.stress.trial import Start, Trial
from engine.study.stress import Prepared
from engine.study.stress_answer import answered
from tests.stress.scenes import asked, curves, set_up

QUESTION = """
budget = { total = 90_000 }
[stress]
margin = 0.4
discount_rate = 0.08
cash = { customers_pay_after = 6, media_paid_after = 4 }
[[shocks]]
name = "dear"
kind = "price"
factor = { low = 0.9, mode = 1.2, high = 1.6 }
from = 2027-03-01
chance = 0.7
[[shocks]]
name = "late"
kind = "delay"
shift = 5
from = 2027-06-14
chance = 0.5
[[shocks]]
name = "cut"
kind = "budget"
factor = 0.7
from = 2027-06-14
chance = 0.5
"""


def played(folder: Path, by_chance: bool, text: str = QUESTION, count: int = 40) -> Answer:
    """The answer of a stress test with the policies hold and trim."""
    told, plan = set_up(curves(draws=8), asked(text))
    trial = Trial(Start(told, planner(told, plan.cells)), None, ("hold", "trim"), 0.05, 7)
    chance = (Case("all shocks by chance", "montecarlo", told.planned.shocks),)
    work = Work(trial, chance if by_chance else ladder(told), count)
    found, _ = run(work, folder, Hands())
    return answered(Prepared("montecarlo" if by_chance else "ladder", plan, work, (), "curves"), found)
