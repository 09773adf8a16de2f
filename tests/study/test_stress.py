"""What a stress test plays is what its files ask for: plan, shocks, policies, paths, and where figures come from."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from engine.errors import InputError
from engine.files import write_csv
from engine.report.stress import stress_text
from engine.response.curves_file import write_curves
from engine.stress.readout import gain
from engine.stress.run import Hands, hash_of, run
from engine.study.stress import Asked, History, prepared
from engine.study.stress_answer import answered
from engine.study.stress_files import rows_told, write_answer
from tests.stress.scenes import curves

YEAR = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\nbudget = { total = 90_000 }\n'
CUT = '[[shocks]]\nname = "cut"\nkind = "budget"\nfactor = 0.8\nfrom = 2027-06-28\n'
DEAR = '[[shocks]]\nname = "dear"\nkind = "price"\nfactor = { low = 1.0, mode = 1.2, high = 1.6 }\nchance = 0.5\n'
KNOWN = '[[shocks]]\nname = "known"\nkind = "price"\nfactor = 1.1\nexpected = true\n'


@pytest.fixture
def place(tmp_path):
    """A folder with curves of four draws."""
    write_curves(tmp_path / "c.json", curves())
    return tmp_path


def ask(place, text, **more):
    (place / "s.toml").write_text(YEAR + text)
    return prepared(Asked(place / "s.toml", place / "c.json", **{"policies": ("hold",), **more}))


def come(place, ready, name="out"):
    found, parts = run(ready.work, place / name, Hands())
    return found, parts, answered(ready, found)


@pytest.mark.parametrize(
    ("text", "which", "names"),
    [
        ("", "ladder", None),
        (KNOWN, "ladder", None),
        (CUT, "scenario", ["cut"]),
        (CUT + CUT.replace('"cut"', '"more"'), "scenario", ["cut", "more", "all shocks together"]),
        (CUT + DEAR, "montecarlo", ["all shocks by chance"]),
    ],
)
def test_unasked_the_set_is_the_one_that_goes_with_the_shocks(place, text, which, names):
    ready = ask(place, text)
    assert ready.shocks == which
    if names:
        assert [case.name for case in ready.work.cases] == names


def test_what_the_plan_reckons_with_is_no_surprise(place):
    (case,) = ask(place, KNOWN + DEAR).work.cases
    assert [shock.name for shock in case.shocks] == ["dear"]


@pytest.mark.parametrize(
    ("text", "asked", "count"),
    [
        (DEAR, {}, 1000),
        (DEAR + "[stress]\npaths = 70\n", {}, 70),
        (DEAR + "[stress]\npaths = 70\n", {"paths": 30}, 30),
        (CUT, {}, 4),
    ],
)
def test_paths_are_those_asked_for_or_each_draw_once_where_nothing_is_left_to_chance(place, text, asked, count):
    assert ask(place, text, **asked).work.count == count


def test_policies_are_played_in_one_order_and_only_once(place):
    asked = [("trim", "hold", "trim"), ("hold", "trim")]
    one, other = (ask(place, DEAR, policies=policies) for policies in asked)
    assert one.work.trial.policies == other.work.trial.policies == ("hold", "trim")


def test_the_reserve_is_held_back_on_top_of_that_of_the_scenario(place):
    text = DEAR + "[stress]\nreserve = 0.2\n"
    (place / "s.toml").write_text((YEAR + text).replace("total = 90_000", "total = 90_000, reserve = 0.1"))
    trial = prepared(Asked(place / "s.toml", place / "c.json", policies=("hold", "reserve"))).work.trial
    assert trial.setting.money.sum() == pytest.approx(81_000)
    assert trial.reserve.setting.money.sum() == pytest.approx(0.8 * 81_000)


def test_asked_again_the_same_question_is_the_same(place):
    one, other = (run(ask(place, CUT + DEAR, paths=20).work, place / name, Hands())[0] for name in ("a", "b"))
    assert hash_of(one) == hash_of(other)


def test_a_shock_of_size_one_leaves_the_plan_as_it_is(place):
    ready = ask(place, CUT.replace("0.8", "1.0"), policies=("hold", "trim"))
    _, _, answer = come(place, ready)
    for one in answer.cases[0].policies:
        assert one.outcome.mean == pytest.approx(answer.planned.mean)
        assert one.outcome.mean == pytest.approx(ready.plan.chosen.outcome.mean, rel=1e-6)
        assert one.spend.mean == pytest.approx(90_000)
    start, *changes, end = answer.bridge
    assert start.low == pytest.approx(end.low)
    assert [one.low for one in changes] == pytest.approx([0.0] * len(changes), abs=1e-6)


def test_a_table_of_paths_holds_what_the_arrays_hold(place):
    ready = ask(place, CUT + DEAR, policies=("hold", "trim"), paths=9)
    found, parts, answer = come(place, ready)
    write_answer(place / "out", found, (answer, {"told": 1}), parts)
    names = sorted(one.name for one in (place / "out").iterdir())
    assert names == ["paths.csv", "paths.npz", "stress.json", "stress.xlsx"]
    header, *rows = [line.split(",") for line in (place / "out" / "paths.csv").read_text().splitlines()]
    assert header[:5] == ["case", "path", "draw", "factor of cut", "factor of dear"]
    with np.load(place / "out" / "paths.npz", allow_pickle=False) as arrays:
        for at, row in enumerate(rows):
            told = dict(zip(header, row, strict=True))
            assert (told["case"], told["path"], told["draw"]) == ("all shocks by chance", str(at), str(at % 4))
            came = arrays["0/factor"][at, 1]
            assert told["factor of dear"] == ("" if np.isnan(came) else str(came))
            for policy in ("hold", "trim"):
                assert float(told[f"{policy} outcome"]) == pytest.approx(arrays[f"0/{policy}/outcome"][at].sum())
                assert float(told[f"{policy} spend"]) == pytest.approx(arrays[f"0/{policy}/spend"][at].sum())
                assert told[f"{policy} profit"] == ""
    assert len(rows) == 9


def test_a_table_is_cut_where_it_would_be_too_long_and_that_is_known(place, monkeypatch):
    found, parts, answer = come(place, ask(place, CUT + CUT.replace('"cut"', '"more"')))
    assert rows_told(found) == (12, 12)
    monkeypatch.setattr("engine.study.stress_files.MOST_ROWS", 6)
    assert rows_told(found) == (6, 12)
    write_answer(place / "out", found, (answer, {"told": 1}), parts)
    rows = (place / "out" / "paths.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["cut"] * 4 + ["more"] * 2


def test_a_document_that_is_no_json_leaves_every_file_as_it_was(place):
    found, parts, answer = come(place, ask(place, CUT))
    (place / "out" / "stress.json").write_text("{}")
    with pytest.raises(ValueError, match="JSON"):
        write_answer(place / "out", found, (answer, {"told": float("nan")}), parts)
    assert sorted(one.name for one in (place / "out").iterdir()) == ["parts", "stress.json"]
    assert (place / "out" / "stress.json").read_text() == "{}"
    assert parts.index.exists()


def test_a_table_of_paths_obeys_no_name(place):
    strange = CUT.replace('"cut"', '"a\\u001b[31m\\nb"')
    found, parts, answer = come(place, ask(place, strange + strange.replace("0.8", "0.9")))
    write_answer(place / "out", found, (answer, {"told": 1}), parts)
    text = (place / "out" / "paths.csv").read_text()
    assert "\x1b" not in text
    assert "factor of a\\x1b[31m\\nb,factor of a\\x1b[31m\\nb (2)," in text
    assert [row.split(",")[0] for row in text.splitlines()[1::4]] == [
        "a\\x1b[31m\\nb",
        "a\\x1b[31m\\nb (2)",
        "all shocks together",
    ]


def test_shocks_that_are_called_as_another_is_numbered_have_columns_of_their_own(place):
    names = ("dear", "dear", "dear (2)")
    text = "".join(
        CUT.replace('"cut"', f'"{name}"').replace("0.8", str(factor))
        for name, factor in zip(names, (0.9, 0.8, 0.7), strict=True)
    )
    found, parts, answer = come(place, ask(place, text))
    write_answer(place / "out", found, (answer, {"told": 1}), parts)
    header, *rows = [line.split(",") for line in (place / "out" / "paths.csv").read_text().splitlines()]
    assert header[3:6] == ["factor of dear", "factor of dear (2)", "factor of dear (2) (2)"]
    assert [row[3:6] for row in rows[::4]] == [
        ["0.9", "", ""],
        ["", "0.8", ""],
        ["", "", "0.7"],
        ["0.9", "0.8", "0.7"],
    ]


def test_what_fit_and_plan_doubt_stands_before_all_else(place):
    fit = place / "fit"
    fit.mkdir()
    (place / "c.json").rename(fit / "curves.json")
    (fit / "health.json").write_text(json.dumps({"trust": "weak", "checks": []}))
    (place / "s.toml").write_text(YEAR + DEAR)
    ready = prepared(Asked(place / "s.toml", fit, policies=("hold",)))
    assert ready.warnings[0].startswith("the fit behind these curves is weak")


@pytest.fixture
def replayable(place):
    """A fit folder of a history of 110 weeks without prices, its table and model."""
    fit, weeks = place / "fit", 110
    fit.mkdir()
    (place / "c.json").rename(fit / "curves.json")
    days = [date(2023, 11, 27) + timedelta(weeks=week) for week in range(weeks)]
    sales = 1000 + 300 * np.random.default_rng(3).random(weeks)
    spend = 100 + 50 * np.random.default_rng(4).random((weeks, 3))
    each = zip(days, sales.round(2).tolist(), spend.round(2).tolist(), strict=True)
    rows = [[str(day), sale, *row] for day, sale, row in each]
    write_csv(place / "h.csv", ["date", "sales", "c0", "c1", "c2"], rows)
    outcome = np.array([row[1] for row in rows])
    parts = [[str(day), 1000.0, out - 1000.0] for day, out in zip(days, outcome, strict=True)]
    write_csv(fit / "contributions.csv", ["start", "level mean", "unexplained mean"], parts)
    columns = "".join(f'[channels.{name}]\nkind = "paid"\nspend = "{name}"\n' for name in ("c0", "c1", "c2"))
    (place / "m.toml").write_text(
        f'[data]\ndate = "date"\noutcome = "sales"\ncurrency = "USD"\nperiod = "week"\n{columns}'
    )
    (place / "s.toml").write_text(YEAR)
    return Asked(place / "s.toml", fit, "replay", ("hold",), 12, history=History(place / "h.csv", place / "m.toml"))


def test_past_years_are_replayed_from_the_history_that_was_fitted(replayable, place):
    ready = prepared(replayable)
    assert (ready.shocks, ready.work.count, len(ready.work.past.starts)) == ("replay", 12, 110)
    assert any("prices of 'c0', 'c1', 'c2' stay as they are" in warning for warning in ready.warnings)
    assert "history sha256:" in ready.made_from
    (one,), _, answer = come(place, ready)
    outcome = one.accounts["hold"].outcome.sum(axis=1)
    assert np.ptp(outcome[one.draw == 0]) > 0
    assert answer.tornado == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"history": None}, "--set replay needs the history that was fitted"),
        ({"shocks": "ladder", "paths": None}, "--data goes with --set replay, and ladder is played"),
    ],
)
def test_a_history_and_its_replay_go_together(replayable, change, said):
    with pytest.raises(InputError, match=said):
        prepared(replace(replayable, **change))


def test_a_curves_file_explains_no_history(replayable):
    with pytest.raises(InputError, match="is no fit folder, and --set replay reads what the fit explains"):
        prepared(replace(replayable, fit=replayable.fit / "curves.json"))


def test_in_replays_nothing_is_planned_anew_unless_that_is_asked_for(replayable):
    assert prepared(replace(replayable, policies=())).work.trial.policies == ("hold", "trim")
    said = "replan, trigger plan by what the plan knew, and not by what came"
    asked = prepared(replace(replayable, policies=("hold", "trigger", "replan", "foresight")))
    assert [said in warning for warning in asked.warnings].count(True) == 1
    plain = prepared(replace(replayable, policies=("hold", "trim", "foresight")))
    assert not any("what the plan knew" in warning for warning in plain.warnings)


def test_in_replays_only_foresight_does_other_than_the_plan(replayable, place):
    ready = prepared(replace(replayable, policies=("hold", "replan", "foresight")))
    (one,), _, _ = come(place, ready)
    hold, anew, known = (one.accounts[policy].spend for policy in ("hold", "replan", "foresight"))
    assert anew == pytest.approx(hold, rel=1e-2)
    assert np.abs(known - hold).max() > 0.02 * hold.max()


GOALS = {
    "": ("revenue", None, "revenue", "USD", ""),
    "profit": ("revenue", None, "revenue", "USD", "profit"),
    "profit of orders": ("orders", 20.0, "value of orders", "USD", "profit"),
    "customers": ("customers", 50.0, "customers", "", ""),
    "clv": ("customers", 50.0, "customers", "", "lifetime value"),
}
FIGURES = {"profit": ", margin = 0.6", "clv": ", lifetime_value = 3"}


@pytest.mark.parametrize("goal", GOALS)
def test_figures_are_called_what_they_count_and_commitments_by_the_goal(place, goal):
    outcome, value, measure, unit, aim = GOALS[goal]
    write_curves(place / "c.json", replace(curves(), outcome=outcome, outcome_value=value))
    name = goal.partition(" ")[0]
    text = f'goal = {{ maximise = "{name}"{FIGURES.get(name, "")} }}\n' if name else ""
    ready = ask(place, text + CUT + "[channels.c0]\ncommitted = [9_000, 9_000, 9_000, 9_000]\n")
    _, _, answer = come(place, ready)
    assert (answer.measure, answer.unit, answer.aim) == (measure, unit, aim)
    assert answer.planned.mean == pytest.approx(ready.plan.chosen.outcome.mean, rel=1e-6)
    (line,) = [line for line in stress_text(answer).splitlines() if line.startswith("Committed to c0")]
    assert line.endswith(f" {aim} more." if aim else (" more.", " it costs nothing."))
    assert ("bring USD " in line) == bool(unit or aim)


def test_a_plan_that_comes_to_the_target_but_for_rounding_reaches_it(place):
    write_curves(place / "c.json", curves(draws=1))
    _, _, answer = come(place, ask(place, CUT))
    target = float(np.nextafter(answer.planned.mean, np.inf))
    again = come(place, ask(place, CUT + f"[stress]\ntarget = {target!r}\n"), "again")[2]
    assert again.planned.mean < again.target
    assert again.calm == 1.0


def test_gains_are_told_as_of_paths_that_share_draws(place):
    found, _, answer = come(place, ask(place, CUT + DEAR, policies=("hold", "trim"), paths=40))
    total = [found[0].accounts[policy].outcome.sum(axis=1) for policy in ("trim", "hold")]
    assert answer.cases[0].policies[1].gain == gain(*total, found[0].draw)


def test_a_bridge_says_on_how_many_paths_it_stands(place, monkeypatch):
    monkeypatch.setattr("engine.stress.run.APART", 4)
    ready = ask(place, CUT + DEAR, paths=12)
    ready = replace(ready, work=replace(ready.work, together=4))
    _, _, answer = come(place, ready)
    assert answer.bridged == 4
    assert ", on the first 4 paths:" in stress_text(answer)
    whole = come(place, ask(place, CUT + DEAR, paths=12), "whole")[2]
    assert whole.bridged == 12
    assert "on the first" not in stress_text(whole)
