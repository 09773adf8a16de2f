"""Rounded tables: every column that adds up still does as it is read, whatever the amounts."""

from dataclasses import replace

import numpy as np
import pytest

from engine.report.page.given import Given
from engine.report.page.page import page_of
from engine.report.page.records import tables_of
from engine.report.page.sections_decision import moves_table
from engine.report.page.sections_fit import contributions_table, shares_table
from engine.report.page.sections_money import when_table
from engine.report.page.sections_scenarios import split_table
from engine.report.page.sections_stress import bridge_table, course_table
from engine.report.page.sections_world import routes_table, stages_table
from engine.report.rounding import TENTHS, Scale, adding, scale_of, written
from engine.report.world import Route, StageCount, WorldRun
from engine.study.report import read_report
from tests.report.drawn_plans import plan_made
from tests.report.fits import fit_of
from tests.report.runs import written as runs_written
from tests.report.stressed import answer, full

SEEDS = range(6)


def number(text):
    """What a cell reads."""
    return float(text.replace(",", "").replace("%", "").rstrip("* "))


def require_adding(table, least=1):
    """See that every column whose exact numbers add up to its total does so as it is read; at least so many do."""
    added = 0
    for at, whole in enumerate(table.total):
        cells = [row[at] for row in table.rows]
        exact = [cell.value for cell in cells]
        if whole.value is None or None in exact or table.header[at] in ("5 %", "95 %"):  # points do not add up
            continue
        if sum(exact) == pytest.approx(whole.value, rel=1e-9, abs=1e-9):
            shown = sum(number(cell.text) for cell in cells)
            assert shown == pytest.approx(number(whole.text), abs=1e-6), (table.name, table.header[at])
            added += 1
    assert added >= least, table.name


def awkward(seed, count):
    """Amounts that all round the same way, some of them nothing, next to nothing or far larger."""
    random = np.random.default_rng(seed)
    found = np.floor(10.0 ** random.uniform(0, 5, count)) + random.choice([0.5, 0.4999, 1 / 3, 0.0], count)
    return tuple((found * random.choice([0.0, 1.0, 1.0], count) + 1e-13).tolist())


def plan_of(seed):
    """A plan by quarter of awkward amounts."""
    names = tuple(f"channel {at}" for at in range(9))
    plan = plan_made(names, awkward(seed, 9), awkward(seed + 100, 9), decisions=4, size=10.0 ** (seed % 4))
    random = np.random.default_rng(seed)
    parts = random.dirichlet(np.ones(4), 9) * np.array(plan.chosen.spend)[:, None]
    return replace(plan, chosen=replace(plan.chosen, decided=tuple(map(tuple, parts.T.tolist()))))


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_of_plans_add_up(seed):
    plan = plan_of(seed)
    require_adding(moves_table(plan), 4)
    require_adding(split_table([plan, plan_of(seed + 50)]), 2)
    require_adding(when_table(plan), 5)


@pytest.mark.parametrize("seed", SEEDS)
def test_money_by_channel_and_quarter_adds_up_both_ways(seed):
    plan = plan_of(seed)
    told = when_table(plan)
    for row in (*told.rows, told.total):
        assert sum(number(cell.text) for cell in row[1:-1]) == pytest.approx(number(row[-1].text), abs=1e-6)
        assert sum(cell.value for cell in row[1:-1]) == pytest.approx(row[-1].value)
    step = scale_of(plan.spend)
    assert number(told.total[-1].text) == round(plan.spend / step.size, step.places)


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_of_a_fit_add_up(seed):
    fit = fit_of(tuple(f"channel {at}" for at in range(3 + seed)))
    require_adding(shares_table(fit), 4)
    require_adding(contributions_table(fit), 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_of_a_market_add_up(seed):
    people, counts = awkward(seed, 7), np.random.default_rng(seed).integers(0, 60_000, 30).tolist()
    stages = tuple(StageCount(f"stage {at}", one, one, one, one) for at, one in enumerate(people))
    routes = tuple(Route((f"channel {at}",), count, 0.123 * count, 1) for at, count in enumerate(counts))
    world = WorldRun("market", "EUR", "mean", 1, 10, stages, routes, {})
    require_adding(stages_table(world), 2)
    require_adding(routes_table(world), 3)


def test_tables_of_a_stress_test_add_up():
    for found in (answer(), full()):
        require_adding(bridge_table(found))
        require_adding(course_table(found, found.cases[-1].policies[0]))


def test_nobody_and_nothing_are_no_share_of_anything():
    world = WorldRun("m", "EUR", "mean", 1, 1, (StageCount("a", 0.0, 0.0, 0.0, 0.0),), (Route(("tv",), 0, 0.0, 9),), {})
    assert "-" in [cell.text for cell in stages_table(world).total]
    assert "-" in [cell.text for cell in routes_table(world).total]


def test_every_table_with_a_total_of_a_whole_report_adds_up(tmp_path):
    made = runs_written(tmp_path)
    names = ("fit", "quarters", "year", "less", "frontier", "stress", "world")
    told = {one.name: one for one in tables_of(read_report([made[name] for name in names]).page) if one.total}
    assert {"moves", "when", "course", "shares", "contributions", "stages", "routes", "bridge"} <= set(told)
    for one in told.values():
        require_adding(one)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("places", [0, 2])
@pytest.mark.parametrize("value", [-0.3, -0.004, -0.0, -1e-13, 0.0, 0.004])
def test_nothing_has_no_sign(value, places, signed):
    if not round(value, places):
        assert written(value, places, signed) == f"{0:.{places}f}"


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_add_up_to_all_and_are_off_by_less_than_a_tenth(seed):
    parts = np.random.default_rng(seed).dirichlet(np.ones(13)).tolist()
    shown = adding(parts, 1.0, TENTHS)
    assert sum(shown) == pytest.approx(100.0)
    assert max(abs(one - 100 * part) for one, part in zip(shown, parts, strict=True)) < 0.1


@pytest.mark.parametrize("total", [0.125, 2.675, 1.005, 0.5, 2.5, 1e9 + 0.5])
def test_parts_add_up_to_the_total_as_it_is_written(total):
    for scale in (Scale(1.0, "", 2), Scale(1.0, ""), TENTHS):
        shown = adding([total / 3] * 3, total, scale)
        assert written(sum(shown), scale.places) == written(total / scale.size, scale.places)


def test_a_page_of_nothing_has_no_tables_that_fail():
    assert [one.name for one in tables_of(page_of(Given(), "0"))] == ["files"]
