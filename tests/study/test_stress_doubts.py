"""What looks odd in a stress test is told in a sentence, with its numbers, and nothing else is."""

import re

import numpy as np
import pytest

from engine.errors import InputError
from engine.response.curves_file import write_curves
from engine.stress.levels import levels
from engine.stress.play import Paths, outcomes, works
from engine.stress.selling import attended
from engine.study.stress import Asked, prepared
from tests.stress.scenes import curves

HEAD = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = {periods}, decide = "{decide}" }}\n'
MONEY = "budget = {{ total = {total} }}\n"
CUT = '[[shocks]]\nname = "cut"\nkind = "budget"\nfactor = 0.8\nfrom = 2027-06-28\n'
DEAR = '[[shocks]]\nname = "dear"\nkind = "price"\nfactor = { low = 1.0, mode = 1.2, high = 1.6 }\n'
BAN = '[[shocks]]\nname = "ban"\nkind = "outage"\nchannels = ["c0"]\nfrom = 2027-06-28\nuntil = 2027-09-27\n'
SALES = "[stress.sales]\nleads = {leads}\npeople = {people}\nhandling = 0.5\npatience = 1.0\n"


@pytest.fixture
def told(tmp_path):
    """The warnings of a question on curves of four draws."""

    write_curves(tmp_path / "c.json", curves())

    def ask(text, periods=52, decide="quarter", **more):
        head = HEAD.format(periods=periods, decide=decide) + MONEY.format(total=90_000 * periods // 52)
        (tmp_path / "s.toml").write_text(head + text)
        return prepared(Asked(tmp_path / "s.toml", tmp_path / "c.json", **{"policies": ("hold",), **more}))

    return ask


def said(ready, words):
    return [one for one in ready.warnings if words in one]


@pytest.mark.parametrize(
    ("leads", "people", "words"),
    [
        (0.02, 20, None),
        (5000, 3, "times what 3 people can do, so most leads are lost even without shocks"),
        (1e-9, 20, "% of what 20 people can do, so they have next to nothing to do"),
    ],
)
def test_people_who_could_never_do_it_or_have_nothing_to_do_are_most_likely_a_wrong_unit(told, leads, people, words):
    found = said(told(CUT + SALES.format(leads=leads, people=people)), "stress.sales")
    assert len(found) == (words is not None)
    for one in found:
        assert words in one
        assert "leads is per unit of outcome (USD of revenue), other_leads per week, handling and patience in w" in one


def test_how_busy_people_are_is_their_work_over_what_they_can_do(told):
    (one,) = said(told(CUT + SALES.format(leads=1, people=1)), "stress.sales")
    leads, times = re.search(r"stress.sales: ([\d,]+) leads a week, .* are ([\d,]+) times what 1 person", one).groups()
    assert float(times.replace(",", "")) == pytest.approx(0.5 * float(leads.replace(",", "")), abs=1)


@pytest.mark.parametrize(("people", "patience"), [(3, 1.0), (40, 2.0), (200, 10.0)])
@pytest.mark.parametrize("load", [0.0, 0.5, 0.9, 1.1, 1.3, 1.5, 2.0, 5.0, 1e4])
def test_people_who_are_busy_without_marketing_are_refused_or_tell_finite_figures(told, people, patience, load):
    text = f"[stress.sales]\nleads = 0.02\npeople = {people}\nhandling = 0.5\npatience = {patience}\n"
    try:
        setting = told(f"{CUT}{text}other_leads = {2 * people * load}\n").work.trial.setting
    except InputError as refused:
        assert " people busy all the time, so marketing's leads sell nothing" in str(refused)
        assert load > 1
        return
    assert load < 5
    every = np.arange(4)
    work = works(setting, Paths(every, every))
    came = outcomes(setting, work, levels(setting, ()), setting.money[None])
    share, _ = attended(setting, work, levels(setting, ()), came)
    assert np.isfinite(share).all()
    assert share.min() > 0


@pytest.mark.parametrize("within", [13, 27, 28, 40, 53, 54])
def test_begins_after_the_horizon_are_counted_and_told(told, within):
    found = said(told(CUT + f"chance = 0.5\nwithin = {within}\n", paths=20), "begins in one of")
    if within > 27:
        assert f"cut begins in one of {within} weeks, and in {within - 27} of them it can change nothing" in found[0]
        assert ("played alone, in the middle" in found[0]) == (within // 2 >= 27)
    else:
        assert found == []


def test_what_the_tail_still_feels_is_not_late(told):
    text = '[[shocks]]\nname = "fewer"\nkind = "demand"\nfactor = 0.8\nfrom = 2027-06-28\nwithin = 40\n'
    assert said(told(text, paths=20), "begins in one of") == []
    assert "in 7 of them" in said(told(text.replace("40", "60"), paths=20), "begins in one of")[0]
    assert said(told(text.replace("40", "60"), shocks="ladder"), "begins in one of") == []


@pytest.mark.parametrize(("wanted", "played"), [(2, 4), (3, 4), (4, 4), (5, 5)])
def test_each_draw_is_played_at_least_once_and_more_paths_than_asked_for_are_told(told, wanted, played):
    for ready in (told(DEAR, paths=wanted), told(DEAR + f"[stress]\npaths = {wanted}\n")):
        assert ready.work.count == played
        found = said(ready, "paths are fewer than the")
        assert len(found) == (wanted < played)
        assert all(f"{wanted} paths are fewer than the 4 draws of the curves" in one for one in found)


@pytest.mark.parametrize("which", ["scenario", "ladder"])
def test_paths_that_a_set_does_not_take_are_told(told, which):
    text = CUT + "[stress]\npaths = {}\nlevel = 0.5\n"
    (one,) = said(told(text.format(70), shocks=which), "stress.paths")
    assert f"stress.paths = 70 goes with --set montecarlo and replay: --set {which} plays each case once on each" in one
    assert said(told(text.format(4), shocks=which), "stress.paths") == []


def test_a_worst_share_of_less_than_a_path_is_told(told):
    few = said(told(DEAR, paths=19), "single worst one")
    assert few[0].startswith("the worst 5 % of 19 paths are less than one path")
    assert "ask for --paths 20 or more" in few[0]
    assert said(told(DEAR, paths=20), "single worst one") == []
    assert "take curves with more draws" in said(told(CUT), "single worst one")[0]
    assert said(told(CUT + "[stress]\nlevel = 0.25\n"), "single worst one") == []


@pytest.mark.parametrize(
    ("periods", "decide", "words"),
    [
        (52, "horizon", 'write horizon.decide = "quarter" or "month"'),
        (12, "quarter", 'holds one quarter only; plan more of them, or write horizon.decide = "month",'),
        (4, "month", "holds one month only; plan more of them,"),
    ],
)
def test_how_a_plan_that_decides_once_would_decide_more_often(told, periods, decide, words):
    ready = told(DEAR, periods, decide, policies=(), paths=20)
    (one,) = said(ready, "decides once")
    assert f"{words} to see" in one
    assert ready.work.trial.policies == ("hold", "trim")
    with pytest.raises(InputError, match="policy replan has nothing to plan anew") as refused:
        told(DEAR, periods, decide, policies=("hold", "replan"))
    assert f"{words} or ask for --policy hold,trim" in str(refused.value)
    assert said(told(DEAR, periods, decide, policies=("hold", "trim"), paths=20), "decides once") == []


def test_nothing_odd_is_nothing_told(told):
    assert told(DEAR + BAN, paths=40).warnings == ()


@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_that_plans_discount_profit_and_ranks_do_not_is_said(told, rate):
    goal = f'goal = {{ maximise = "profit", margin = 0.6, discount_rate = {rate} }}\n'
    found = said(told(goal + CUT), "ranked by profit that is not discounted")
    assert [one.startswith("plans discount profit by 8.0 % a year") for one in found] == [True] * bool(rate)
