"""The workbook of a stress test: what its formulas come to is what the engine found, and text stays text."""

import math
import re
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest

from engine import __version__
from engine.errors import StorageError
from engine.report.stress_layout import layout
from engine.report.stress_workbook import stress_workbook
from engine.stress.readout import Bar, Spread, Terms
from tests.report.played import played
from tests.report.stressed import CAME, MARGIN, PLANNED, RATE, SPENT, answer, full, reading, written

LADDER = ("budget -10 %", "budget -20 %", "tv closed")
MARGINS = Terms(None, RATE, 4, 2, "week")  # not one for all outcome


def columns(book, sheet, row):
    """The headers of a table, each with the letter of its column."""
    return [(cell.value, cell.column_letter) for cell in book.written[sheet][row] if cell.value]


def at(book, sheet, head, row, header=4):
    """What stands in a row under the header that begins so."""
    letter = next(letter for name, letter in columns(book, sheet, header) if name.startswith(head))
    return book.value(sheet, f"{letter}{row}")


def beside(book, sheet, name):
    """The value beside what begins with a name in the first column, or is it where the name follows a sign."""
    texts = {row: str(book.value(sheet, f"A{row}") or "") for row in range(1, 80)}
    row = next(row for row, text in texts.items() if text.startswith(name) or f"={text}" == name)
    return book.value(sheet, f"B{row}")


def show(book, told, line):
    """Choose one policy of one case."""
    book.change("Summary", "B5", told.cases[line.case - 1])
    book.change("Summary", "B6", told.policies[line.policy - 1])


def require_recalculated(book):
    """Every formula comes to what the file says that it came to."""
    for sheet, place, formula in book.formulas():
        if sheet == "Checks" and place[0] == "D":
            continue  # what is left of sums by rounding: the column that judges it is looked at
        found, stored = book.value(sheet, place), book.stored(sheet, place)
        if isinstance(found, str | bool):
            assert found == (stored or ""), (sheet, place, formula)
        else:
            size = 1e4 if abs(stored or 0) < 1 else 0
            assert math.isclose(found or 0, stored or 0, rel_tol=1e-9, abs_tol=1e-13 * size), (sheet, place, formula)


def apart():
    """An answer with several cases, the last of which tells shocks apart."""
    bars = (PLANNED, -2_600.0, -100.0, 560.0)
    named = zip(("the plan", "dear", "late", "replan"), (sum(PLANNED), *bars[1:]), strict=True)
    return full(names=LADDER, bridge=(*(Bar(name, bar, bar) for name, bar in named), Bar("comes to", 5_048.0, 5_048.0)))


def without_hold():
    """An answer in which nobody holds the plan."""
    told = full()
    case = replace(told.cases[0], policies=(replace(told.cases[0].policies[1], gain=None),))
    return replace(told, cases=(case,))


ASKED = {
    "one margin": answer(),
    "several margins": answer(terms=MARGINS),
    "no margin": answer(in_money=False),
    "ladder": answer(LADDER),
    "customers": answer(unit="", measure="customers"),
    "no target": answer(target=None),
    "all that can be told": full(),
    "shocks apart and together": apart(),
    "some paths apart": answer(bridged=50),
    "nobody holds": without_hold(),
    "nobody holds, several margins": replace(without_hold(), terms=MARGINS),
}


@pytest.mark.parametrize("told", ASKED.values(), ids=ASKED)
def test_formulas_come_to_what_the_engine_found(tmp_path, told):
    book = written(tmp_path, told)
    assert len(book.formulas()) > 50
    require_recalculated(book)
    assert book.value("Checks", "B3") is True


SWITCHED = [answer(LADDER), answer(LADDER, terms=MARGINS), apart()]


@pytest.mark.parametrize("told", SWITCHED, ids=["one margin", "several margins", "shocks apart"])
def test_the_switch_shows_each_policy_of_each_case_with_the_engines_figures(tmp_path, told):
    book, where = written(tmp_path, told), layout(told)
    for line in where.lines:
        show(book, where, line)
        one = line.told
        for row, quarter in enumerate(one.quarters, 7):
            assert book.value("Quarters", f"A{row}") == quarter.name
            expected = {
                "Plan": quarter.planned,
                "Outcome": quarter.outcome.mean,
                "Spend": quarter.spend.mean,
                "Contribution": quarter.profit.mean + quarter.spend.mean,
                "Profit [": quarter.profit.mean,
                "Received": quarter.flow.received,
                "Paid": quarter.flow.paid,
                "Cash [": quarter.cash.mean,
            }
            found = {name: at(book, "Quarters", name, row, 6) for name in expected}
            assert found == pytest.approx(expected, rel=1e-9)
        known = [one.outcome.mean, one.spend.mean, one.profit.mean, one.profit.mean, one.present.mean]
        totals = [
            at(book, "Quarters", name, 10, 6) for name in ("Outcome", "Spend", "Profit [", "Cash [", "Cash, value")
        ]
        assert totals == pytest.approx(known, rel=1e-9)
        ends = [beside(book, "Bridge", name) for name in ("Outcome", "=Profit", "Value at the start")]
        assert ends == pytest.approx([one.outcome.mean, one.profit.mean, one.present.mean], rel=1e-9)
        shown = [book.value("Policies", f"C{row}") for row in range(5, 5 + len(where.lines))]
        assert [row for row, mark in enumerate(shown, 4) if mark == "shown"] == [line.row]
        assert book.value("Checks", "B3") is True


@pytest.mark.parametrize("by_chance", [True, False], ids=["by chance", "ladder"])
def test_a_stress_test_that_was_played_recalculates_to_its_own_figures(tmp_path, by_chance):
    told = played(tmp_path / "parts", by_chance, count=8)
    book, where = written(tmp_path, told), layout(told)
    require_recalculated(book)
    assert book.value("Checks", "B3") is True
    assert (where.in_money, where.margin) == (True, 0.4)
    last = 7 + len(where.chosen.told.quarters)
    present = at(book, "Quarters", "Cash, value", last, 6)
    assert present == pytest.approx(where.chosen.told.present.mean, rel=1e-9)


def test_another_margin_and_another_rate_go_through_all_sheets_and_the_checks_say_so(tmp_path):
    told, rate = full(), 0.25
    book = written(tmp_path, told)
    book.change("Inputs", "B9", 0.5)
    book.change("Inputs", "B10", rate)
    for row, one in enumerate(told.cases[0].policies, 5):
        profit = 0.5 * sum(CAME[one.policy]) - sum(SPENT[one.policy])
        moved = [quarter.flow for quarter in one.quarters]
        now = [0.5 / MARGIN * each.received * (1 + rate) ** -each.received_years for each in moved]
        present = sum(now) - sum(each.paid * (1 + rate) ** -each.paid_years for each in moved)
        assert at(book, "Policies", "Profit, mean", row) == pytest.approx(profit)
        assert at(book, "Policies", "Value at the start", row) == pytest.approx(present)
    assert beside(book, "Summary", "Profit [EUR]") == beside(book, "Bridge", "=Profit") == pytest.approx(profit)
    assert beside(book, "Summary", "Value at start") == pytest.approx(present)
    assert beside(book, "Bridge", "Value at the start") == pytest.approx(present)
    assert beside(book, "Summary", "Plan's profit") == pytest.approx(0.5 * 7_500 - 2_300)
    assert at(book, "Tornado", "Margin on the change, high", 5) == pytest.approx(0.5 * -1_900)
    assert at(book, "Worst paths", "Margin on it", 5) == pytest.approx(0.5 * -3_100)
    assert book.value("Checks", "B3") is False
    assert beside(book, "Summary", "Checks").startswith("Sums do not agree")


def test_a_figure_that_was_typed_over_is_found_by_the_checks(tmp_path):
    book = written(tmp_path, answer())
    outcome = book.value("By quarter", "F5")
    book.change("By quarter", "F5", outcome * (1 + 1e-7))
    assert book.value("Checks", "B3") is False


@pytest.mark.parametrize(
    ("sheet", "head", "row"),
    [
        ("Tornado", "Change at its low", 5),
        ("Limits", "Beyond a factor", 6),
        ("Limits", "Beyond a factor", 12),
        ("Limits", "Beyond a factor", 19),
        ("Where money goes", "Plan", 5),
        ("Where money goes", "Spend", 6),
        ("This run", "Profit, mean", 6),
        ("Bridge", "This run", 6),
    ],
)
def test_each_table_has_a_check_that_finds_a_figure_typed_over(tmp_path, sheet, head, row):
    book = written(tmp_path, full())
    header = 5 if sheet == "Limits" else 4
    letter = next(letter for name, letter in columns(book, sheet, header) if name.startswith(head))
    letter = {12: "D", 19: "C"}.get(row, letter)
    before = book.value(sheet, f"{letter}{row}")
    assert isinstance(before, int | float)
    book.change(sheet, f"{letter}{row}", before * 1.001)
    assert book.value("Checks", "B3") is False


def test_the_bridge_adds_up_and_tells_shocks_apart_where_the_run_does(tmp_path):
    told = apart()
    book, where = written(tmp_path, told), layout(told)
    show(book, where, next(line for line in where.lines if (line.case, line.policy) == (3, 2)))
    adds = [book.value("Bridge", f"B{row}") for row in range(5, 11)]
    assert adds == pytest.approx([7_500, -2_600, -100, 0, 248, 5_048])
    first = next(row for row in range(11, 40) if book.value("Bridge", f"A{row}") == "The plan's profit")
    margin = [book.value("Bridge", f"B{row}") for row in range(first, first + 7)]
    assert margin[:5] == pytest.approx([0.4 * 7_500 - 2_300, -1_040, -40, 0, 99.2])
    assert sum(margin[:6]) == pytest.approx(margin[6])
    show(book, where, where.lines[0])
    adds = [book.value("Bridge", f"B{row}") for row in range(5, 11)]
    assert adds == pytest.approx([7_500, 0, 0, -1_500, 0, 6_000])


def test_what_is_not_known_has_no_row_no_sheet_and_no_column(tmp_path):
    poor = written(tmp_path, answer(in_money=False, bridge=()))
    kept = ["Summary", "Quarters", "Policies", "Bridge", "Inputs", "By quarter", "Bands", "This run", "Checks"]
    assert poor.written.sheetnames == [*kept, "Made from"]
    told = [str(cell.value) for page in poor.written for row in page.iter_rows() for cell in row if cell.value]
    plainly = [text for text in told if not text.startswith(("Margin, discount rate", "From the plan to outcome and"))]
    assert [text for text in plainly if re.search("rofit|[Cc]ash|Margin|Discount", text)] == []
    rich = written(tmp_path, full(names=LADDER))
    several = ["Cases", "Bridge", "Tornado", "Worst paths", "Limits", "Where money goes"]
    assert rich.written.sheetnames == [*kept[:3], *several, *kept[4:], "Made from"]


def test_a_gain_over_hold_is_told_with_its_interval(tmp_path):
    told = answer()
    book, gain = written(tmp_path, told), told.cases[0].policies[1].gain
    ends = [at(book, "Policies", name, 6) for name in ("Gain over", "Gain, low", "Gain, high")]
    assert ends == pytest.approx([gain.mean, gain.low, gain.high], rel=1e-12)
    assert at(book, "Policies", "Gain, low", 5) is None


def test_the_tornado_starts_from_the_plan_with_its_widest_bar_first(tmp_path):
    book = written(tmp_path, full())
    assert [book.value("Tornado", f"A{row}") for row in (5, 6)] == ["dear", "late"]
    ends = [at(book, "Tornado", f"Outcome at its {end}", 5) for end in ("low", "high")]
    assert ends == pytest.approx([7_850, 5_600])
    assert at(book, "Tornado", "Worse end less target", 5) == pytest.approx(-1_400)
    book.change("Inputs", "B6", 5_000.0)
    assert at(book, "Tornado", "Worse end less target", 5) == pytest.approx(600)


def test_what_the_worst_paths_lost_is_told_in_parts_that_add_up(tmp_path):
    book = written(tmp_path, full())
    names = ("Outcome", "Less plan", "of it, its curves", "of it, the shock", "of it, other shocks")
    assert [at(book, "Worst paths", name, 5) for name in names] == pytest.approx([4_400, -3_100, -1_200, -2_100, 200])
    assert at(book, "Worst paths", "What came", 5) == "dear 1.3, late"


def test_limits_are_told_with_what_they_come_to(tmp_path):
    book = written(tmp_path, full())
    assert [book.value("Limits", f"{letter}6") for letter in "ABCDE"] == [
        "dear",
        "price",
        "makes no profit",
        1.25,
        0.25,
    ]
    assert book.value("Limits", "D7") is None
    assert book.value("Limits", "F7") == "holds at every factor looked at"
    committed = [book.value("Limits", f"{letter}12") for letter in "ABCDEF"]
    assert committed == ["dear", 700, pytest.approx(700 / 2_300), 84, pytest.approx(0.12), pytest.approx(33.6)]
    assert [book.value("Limits", f"E{row}") for row in (19, 20)] == ["more marketing lengthens the queue", ""]


def test_provenance_and_warnings_are_told(tmp_path):
    book = written(tmp_path, full())
    texts = {str(cell.value) for row in book.written["Made from"].iter_rows() for cell in row}
    wanted = {"7", "0f" * 32, "curves sha256:aa", f"peso {__version__}, peso.stress/1", "Beware: the fit is weak."}
    assert wanted <= texts


def test_charts_are_native_and_sheets_are_printed_one_page_wide(tmp_path):
    book = written(tmp_path, full(names=LADDER))
    for page in book.written:
        assert (page.page_setup.orientation, page.page_setup.fitToWidth) == ("landscape", None), page.title
        assert page.sheet_properties.pageSetUpPr.fitToPage, page.title
        assert page.freeze_panes or page.title == "Summary", page.title
    with zipfile.ZipFile(tmp_path / "stress.xlsx") as archive:
        names = archive.namelist()
    assert sum(name.startswith("xl/charts/chart") for name in names) == 4  # quarters, both bridges, tornado
    assert not any(name.startswith("xl/media") for name in names)


def test_what_is_not_finite_is_never_written(tmp_path):
    told = answer()
    odd = replace(
        reading("hold"), at_risk=math.nan, shortfall=math.inf, outcome=Spread(6_000.0, math.nan, 1.0, math.inf)
    )
    case = replace(told.cases[0], policies=(odd, told.cases[0].policies[1]))
    written(tmp_path, replace(told, cases=(case,)))
    with zipfile.ZipFile(tmp_path / "stress.xlsx") as archive:
        cells = [archive.read(name).decode() for name in archive.namelist() if "worksheets" in name]
    values = re.findall(r"<v>([^<]*)</v>", "".join(cells))
    assert values
    assert [value for value in values if value.lower() in ("nan", "inf", "-inf", "#num!", "#div/0!")] == []


def test_spreadsheets_are_told_to_calculate_anew(tmp_path):
    written(tmp_path, answer())
    with zipfile.ZipFile(tmp_path / "stress.xlsx") as archive:
        assert 'fullCalcOnLoad="1"' in archive.read("xl/workbook.xml").decode()


def test_the_switch_and_what_may_be_changed_are_marked_and_chosen_from_lists(tmp_path):
    book = written(tmp_path, answer(LADDER))
    lists = book.written["Summary"].data_validations.dataValidation
    assert {str(one.sqref): one.formula1 for one in lists} == {
        "B5": "'Inputs'!$A$17:$A$19",
        "B6": "'Inputs'!$E$17:$E$18",
    }
    marked = [book.written[sheet][at] for sheet, at in (("Summary", "B5"), ("Inputs", "B9"), ("By quarter", "F5"))]
    assert [cell.font.color.rgb for cell in marked] == ["FF0000FF"] * 3


def test_the_same_answer_is_the_same_bytes(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        stress_workbook(tmp_path / name, answer(LADDER))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_place_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    (tmp_path / "in the way").write_text("mine")
    with pytest.raises(StorageError, match="could not be written"):
        stress_workbook(tmp_path / "in the way" / "stress.xlsx", answer())
    assert [path.name for path in tmp_path.iterdir()] == ["in the way"]


def test_the_package_is_loaded_only_where_a_workbook_is_written():
    asked = "import sys, engine.report.stress_workbook as _; print('xlsxwriter' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_the_margin_used_is_a_marked_input(tmp_path):
    book = written(tmp_path, answer())
    assert book.value("Inputs", "B9") == MARGIN
    assert book.value("Inputs", "B10") == RATE
