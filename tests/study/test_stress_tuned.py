"""Policies are tuned from files where something is left to chance, and refused in a sentence where nothing is."""

import pytest

from engine.errors import InfeasibleError, InputError
from engine.response.curves_file import write_curves
from engine.study.stress import Asked, prepared
from engine.study.stress_held_back import held_back
from engine.study.stress_tuned import tuned_policies
from tests.stress.scenes import curves

YEAR = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 26, decide = "{decide}" }}\n'
BUDGET = "budget = { total = 50_000 }\n"
CUT = '[[shocks]]\nname = "cut"\nkind = "budget"\nfactor = 0.5\nfrom = 2027-04-05\nchance = 0.5\n'


def question(place, decide="quarter", **more):
    write_curves(place / "c.json", curves())
    (place / "s.toml").write_text(YEAR.format(decide=decide) + BUDGET + CUT)
    return Asked(place / "s.toml", place / "c.json", **{"policies": ("hold",), "paths": 20, **more})


def test_policies_are_judged_on_as_many_paths_as_were_asked_for_though_none_of_them_is_played(tmp_path):
    asked = question(tmp_path)
    (found,) = tuned_policies(asked, prepared(asked), ("trigger",), "mean")
    assert found.paths == (500, 20)
    assert found.policy == "trigger"


def test_a_plan_that_holds_money_back_spends_less_by_that_share(tmp_path):
    ready = prepared(question(tmp_path))
    told = ready.work.trial.setting
    start = held_back(curves(), told.planned, 0.25)
    assert start.setting.money.sum() == pytest.approx(0.75 * told.money.sum())


def test_a_share_whose_rest_keeps_no_plan_is_refused_in_words(tmp_path):
    asked = question(tmp_path)
    with (tmp_path / "s.toml").open("a") as file:
        file.write("[channels.c0]\nfloor = 48_000\n")
    told = prepared(asked).work.trial.setting.planned
    with pytest.raises(InfeasibleError, match=r"policy reserve holds 25.0 % of the money back, and the rest keeps no"):
        held_back(curves(), told, 0.25)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shocks": "scenario", "paths": None}, "--tune needs shocks by chance, .* and --set scenario is played"),
        ({"shocks": "ladder", "paths": None}, "and --set ladder is played; add --set montecarlo"),
        ({"decide": "horizon"}, "the plan decides once, so no reserve is ever released"),
    ],
)
def test_where_nothing_can_be_tuned_a_sentence_says_so(tmp_path, changed, said):
    asked = question(tmp_path, **changed)
    with pytest.raises(InputError, match=said):
        tuned_policies(asked, prepared(asked), ("trigger",), "mean")
