"""The workbook of a stress test: what its formulas come to is what the engine found, and text stays text."""

import math
import re
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest

from engine.errors import StorageError
from engine.report.stress_layout import layout
from engine.report.stress_workbook import stress_workbook
from engine.stress.readout import Bar, Gain, Spread, Terms
from tests.report.formulas import Workbook
from tests.report.played import played
from tests.report.stressed import CAME, MARGIN, RATE, answer, reading

LADDER = ("budget -10 %", "budget -20 %", "tv closed")
MARGINS = Terms(None, RATE, 4, 2, "week")  # not one for all outcome
HOSTILE = (
    '=HYPERLINK("http://x")',
    "{=1+1}",
    "+1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "http://example.org/x",
    "tv*",
    "007",
    "1e5",
    "TRUE",
    "#N/A",
    "a\x07b\x00c\ud800",
    "_x0041_",
    "<b>&amp;</b>",
    "x" * 40_000,
    "&P &A",
    "two\nlines",
)


def written(folder, told):
    """The workbook of an answer, as it was read again."""
    path = folder / "stress.xlsx"
    stress_workbook(path, told)
    return Workbook(path)


def require_recalculated(book):
    """Every formula comes to what the file says that it came to."""
    for sheet, place, formula in book.formulas():
        found, stored = book.value(sheet, place), book.stored(sheet, place)
        if isinstance(found, str | bool):
            assert found == stored, (sheet, place, formula)
        else:
            size = 1e4 if sheet == "Checks" or place == "B10" or abs(stored or 0) < 1 else 0
            assert math.isclose(found or 0, stored or 0, rel_tol=1e-9, abs_tol=1e-13 * size), (sheet, place, formula)


ASKED = {
    "one margin": answer(),
    "several margins": answer(terms=MARGINS),
    "no margin": answer(in_money=False),
    "ladder": answer(LADDER),
    "customers": answer(unit="", measure="customers"),
    "no target": answer(target=None),
}


@pytest.mark.parametrize("told", ASKED.values(), ids=ASKED)
def test_formulas_come_to_what_the_engine_found(tmp_path, told):
    book = written(tmp_path, told)
    assert len(book.formulas()) > 50
    require_recalculated(book)
    assert book.value("Checks", "B3") is True


@pytest.mark.parametrize("told", [answer(LADDER), answer(LADDER, terms=MARGINS)], ids=["one margin", "several margins"])
def test_the_switch_shows_each_policy_of_each_case_with_the_engines_figures(tmp_path, told):
    book, at = written(tmp_path, told), layout(told)
    for line in at.lines:
        book.change("Summary", "B5", at.cases[line.case - 1])
        book.change("Summary", "B6", at.policies[line.policy - 1])
        one = line.told
        for row, quarter in enumerate(one.quarters, 6):
            assert book.value("Quarters", f"A{row}") == quarter.name
            expected = {
                "C": quarter.planned,
                "D": quarter.outcome.mean,
                "F": quarter.spend.mean,
                "G": quarter.profit.mean + quarter.spend.mean,
                "H": quarter.profit.mean,
                "J": quarter.flow.received,
                "K": quarter.flow.paid,
                "L": quarter.cash.mean,
            }
            found = {column: book.value("Quarters", f"{column}{row}") for column in expected}
            assert found == pytest.approx(expected, rel=1e-9)
        totals = [book.value("Quarters", f"{column}9") for column in "DFHLN"]
        known = [one.outcome.mean, one.spend.mean, one.profit.mean, one.profit.mean, one.present.mean]
        assert totals == pytest.approx(known, rel=1e-9)
        assert book.value("Checks", "B3") is True


@pytest.mark.parametrize("by_chance", [True, False], ids=["by chance", "ladder"])
def test_a_stress_test_that_was_played_recalculates_to_its_own_figures(tmp_path, by_chance):
    told = played(tmp_path / "parts", by_chance, count=8)
    book = written(tmp_path, told)
    require_recalculated(book)
    assert book.value("Checks", "B3") is True
    at = layout(told)
    assert (at.in_money, at.margin) == (True, 0.4)
    last = 6 + len(at.chosen.told.quarters)
    assert book.value("Quarters", f"N{last}") == pytest.approx(at.chosen.told.present.mean, rel=1e-9)


def test_another_margin_and_another_rate_go_through_all_sheets_and_the_checks_say_so(tmp_path):
    told = answer()
    book = written(tmp_path, told)
    book.change("Inputs", "B9", 0.5)
    book.change("Inputs", "B10", 0.0)
    one = told.cases[0].policies[1]
    earned, spent = 0.5 * sum(CAME["replan"]), one.spend.mean
    assert book.value("Summary", "B11") == pytest.approx(earned - spent)
    assert book.value("Summary", "B12") == pytest.approx(earned - spent)  # nothing is discounted
    assert book.value("Checks", "B3") is False
    assert book.value("Summary", "B14").startswith("Sums do not agree")


def test_a_figure_that_was_typed_over_is_found_by_the_checks(tmp_path):
    book = written(tmp_path, answer())
    outcome = book.value("By quarter", "F5")
    book.change("By quarter", "F5", outcome * (1 + 1e-7))
    assert book.value("Checks", "B3") is False


def test_the_bridge_adds_up_to_the_outcome_and_a_bar_that_is_wrong_is_found(tmp_path):
    told = answer()
    book = written(tmp_path, told)
    assert book.value("Bridge", "B8") == pytest.approx(told.cases[0].policies[1].outcome.mean, rel=1e-12)
    assert book.value("Bridge", "B10") == 0
    book.change("Bridge", "B6", told.bridge[1].low + 0.02)
    assert book.value("Bridge", "B10") == 0.02
    assert book.value("Checks", "B3") is False


def test_what_is_not_known_has_no_row_no_sheet_and_no_column(tmp_path):
    poor = written(tmp_path, answer(in_money=False, bridge=()))
    assert poor.written.sheetnames == ["Summary", "Quarters", "Policies", "Inputs", "By quarter", "Checks"]
    told = [str(cell.value) for page in poor.written for row in page.iter_rows() for cell in row if cell.value]
    assert [text for text in told if re.search("rofit|[Cc]ash|Margin|Discount", text)] == []
    rich = written(tmp_path, answer(LADDER))
    assert "Cases" in rich.written.sheetnames
    assert "Bridge" not in rich.written.sheetnames


def test_a_gain_over_hold_is_told_with_its_interval(tmp_path):
    told = answer()
    book = written(tmp_path, told)
    head = {cell.value: cell.column_letter for cell in book.written["Policies"][4]}
    low, high = (book.value("Policies", f"{head[name]}6") for name in ("Gain, low end", "Gain, high end"))
    gain = told.cases[0].policies[1].gain
    assert isinstance(gain, Gain)
    assert (low, high) == pytest.approx((gain.low, gain.high), rel=1e-12)
    assert book.written["Policies"][f"{head['Gain, low end']}5"].value is None


def hostile(text):
    """An answer that has one text wherever a text of others can stand."""
    told = answer((text, "other"), scenario=text, currency=text[:50], unit=text[:50], measure=text, span=text)
    bars = (told.planned.mean, -10.0, told.planned.mean - 10)
    return replace(
        told, bridge=tuple(Bar(text, bar, bar) for bar in bars), warnings=(text,), made_from=text, asked=text, hash=text
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """What is written of a name that nobody obeys."""
    return written(tmp_path_factory.mktemp("clean"), hostile("Anna"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_a_formula_a_number_or_a_link(tmp_path, clean, text):
    book = written(tmp_path, hostile(text))
    assert [(sheet, place) for sheet, place, _ in book.formulas()] == [
        (sheet, place) for sheet, place, _ in clean.formulas()
    ]
    kinds = [{cell.coordinate: cell.data_type for row in page.iter_rows() for cell in row} for page in book.written]
    assert kinds == [
        {cell.coordinate: cell.data_type for row in page.iter_rows() for cell in row} for page in clean.written
    ]
    with zipfile.ZipFile(tmp_path / "stress.xlsx") as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not any(re.search("<(hyperlink|f>HYPERLINK)", part) for part in content.values())
    assert not any("externalLink" in name for name in content)
    assert book.value("Checks", "B3") is True


def test_text_that_a_spreadsheet_would_obey_when_typed_again_is_marked_as_text(tmp_path):
    book = written(tmp_path, hostile("=1+1"))
    marked = [cell for page in book.written for row in page.iter_rows() for cell in row if str(cell.value)[:1] == "="]
    texts = [cell for cell in marked if cell.data_type == "s"]
    assert texts
    assert all(cell.quotePrefix for cell in texts)


def test_names_that_look_like_patterns_or_each_other_are_told_apart(tmp_path):
    told = answer(("tv*", "tv?", "TV*", "tv~*", "x" * 300, "x" * 300))
    book, at = written(tmp_path, told), layout(told)
    assert len({name.casefold() for name in at.cases}) == 6
    for number, name in enumerate(at.cases, 1):
        book.change("Summary", "B5", name)
        assert book.value("Summary", "C5") == number
        assert len(name) < 70


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
