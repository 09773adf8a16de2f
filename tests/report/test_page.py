"""The page of a report: what it says is what the runs say, to the cent; what is not given is named; text stays text."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.report.answer import decision, plan_text, proof
from engine.report.brought import brought_by_decision
from engine.report.page.given import Given
from engine.report.page.page import SECTIONS, page_of
from engine.report.page.records import Listed, Words, figures_of, tables_of
from engine.report.page.words_used import MEANINGS
from engine.report.rounding import adding, scale_of
from engine.response.curves_file import write_curves
from engine.study.report import read_report, write_page
from engine.study.runs import read_runs
from engine.study.told_plan import plan_of
from tests.report.runs import HOSTILE, written

ALL = ("fit", "year", "quarters", "less", "frontier", "stress", "world")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every kind of run."""
    return written(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def made(runs):
    """The report of them all."""
    return read_report([runs[name] for name in ALL])


@pytest.fixture(scope="module")
def html(made, tmp_path_factory):
    """Its page."""
    place = tmp_path_factory.mktemp("page") / "report.html"
    write_page(made, place)
    return place.read_text()


def table(made, name):
    """One table, its columns by heading."""
    found = next(one for one in tables_of(made.page) if one.name == name)
    return found, {head: [row[at] for row in found.rows] for at, head in enumerate(found.header)}


class Values(HTMLParser):
    """The exact numbers of each table of a page, row by row."""

    def __init__(self):
        super().__init__()
        self.rows, self.name = {}, None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "table":
            self.name = given["data-name"]
            self.rows[self.name] = []
        elif tag == "tr" and self.name:
            self.rows[self.name].append([])
        elif tag in ("td", "th") and self.name and "data-value" in given:
            self.rows[self.name][-1].append(float(given["data-value"]))

    def handle_endtag(self, tag):
        self.name = None if tag == "table" else self.name


def test_every_section_is_there_where_its_run_is_and_named_where_it_is_not(made, runs):
    assert [section.id for section in made.page.sections][:-2] == [
        *("decision", "scenarios", "moves", "shares", "curves", "returns", "frontier", "quarters", "journey"),
        *("stress", "health", "proof"),
    ]
    assert made.page.absent == ()
    for name in ("fit", "year", "frontier", "stress", "world"):
        page = read_report([runs[name]]).page
        shown = [section for section in page.sections if section.id not in ("glossary", "provenance")]
        assert sum(len(one.title.split("; ")) for one in page.absent) + len(shown) == len(SECTIONS)
        assert all("peso " in one.remedy or "Calibrate" in one.remedy for one in page.absent)
    nothing = page_of(Given(), "0")
    assert len({one.remedy for one in nothing.absent}) == len(nothing.absent) < len(SECTIONS)


def test_the_page_opens_with_the_plans_own_sentence_its_range_and_its_chance(made, html):
    said = decision(made.given.plan)
    assert made.text().startswith(said)
    assert said.replace("<b>", "&lt;b&gt;").replace("'", "&#39;") in re.sub(r"</?span[^>]*>", "", html)
    assert re.search(r"5-95 %: .* chance to bring less", said)


def test_a_plan_read_back_tells_what_the_plan_told(make):
    curves = make.curves(make.channel("tv", [90.0, 110.0]), make.channel("pr", [50.0, 80.0], kind="earned"))
    for text in ("budget = { total = 90 }", 'budget = { at_most = 90 }\n[goal]\nmaximise = "profit"\nmargin = 0.5'):
        plan = optimize(curves, make.scenario(text, 4))
        again = plan_of(Path("plan.json"), json.loads(json.dumps(plan_document(plan))))
        assert plan_text(again) == plan_text(plan)
        assert plan_document(again) == plan_document(plan)


def test_a_plan_of_customers_read_back_tells_what_the_plan_told(make):
    curves = make.curves(make.channel("tv", [90.0, 110.0]), outcome="new customers")
    goal = '[goal]\nmaximise = "clv"\nlifetime_value = 5'
    for text, counts in (("", "new customers"), (goal, "customers")):
        plan = optimize(curves, make.scenario(f"budget = {{ total = 90 }}\n{text}", 4))
        again = plan_of(Path("plan.json"), json.loads(json.dumps(plan_document(plan))))
        assert plan_text(replace(again, counts=plan.counts)) == plan_text(plan)
        assert (again.counts or again.measure) == counts


def test_tables_reconcile_with_the_plan_to_the_cent(made, html, runs):
    told = json.loads(runs["year"].read_text())
    parser = Values()
    parser.feed(html)
    *rows, total = parser.rows["moves"][1:]
    money, outcome = [row[1] for row in rows], [row[4] for row in rows]
    assert money == [line["spend"] for line in told["by_channel"]]
    assert sum(money) == pytest.approx(sum(map(sum, told["spend"])), abs=0.005)
    assert [row[0] for row in rows] == [line["baseline"] for line in told["by_channel"]]
    assert outcome == [line["outcome"]["mean"] for line in told["by_channel"]]
    assert sum(outcome) == pytest.approx(told["outcome"]["mean"], abs=0.005)
    assert (total[1], total[4]) == pytest.approx((sum(money), sum(outcome)), abs=0.005)
    assert [row[2] for row in rows] == pytest.approx([row[1] - row[0] for row in rows], abs=1e-9)


@pytest.mark.parametrize("values", [[1.4, 1.4, 1.4], [0.5, 0.5, 0.5, 0.5], [-3.3, 10.7, 2.6], [0.0], [1e9, 2.0]])
def test_largest_remainders_keep_the_total_and_stay_within_one(values):
    scale = scale_of(sum(values))._replace(places=0)
    shown = adding(values, sum(values), scale)
    assert sum(shown) == round(sum(values) / scale.size)
    assert all(abs(one - value / scale.size) < 1 for one, value in zip(shown, values, strict=True))


def test_what_comes_by_quarter_adds_up_to_what_the_plan_says(made):
    plans = {plan.scenario.split()[0]: plan for plan in made.given.plans}
    for plan, parts in ((plans["year"], 1), (plans["quarters"], 5)):  # with what is left after the end
        found = brought_by_decision(made.given.fit.curves, plan)
        assert len(found) == parts
        assert sum(one.mean for one in found) == pytest.approx(plan.chosen.outcome.mean, rel=1e-9)
    other = replace(plans["quarters"], chosen=replace(plans["quarters"].chosen, outcome=plans["year"].chosen.outcome))
    assert brought_by_decision(made.given.fit.curves, other) is None


def test_shares_add_up_and_stages_hold_everybody(made):
    _, shares = table(made, "shares")
    for head in ("Share of money", "Share of effect"):
        assert sum(cell.value for cell in shares[head]) == pytest.approx(1.0)
    found, _ = table(made, "stages")
    assert found.total[1].value == pytest.approx(2 * (600.5 + 300 + 99.5))
    routes, columns = table(made, "routes")
    assert [cell.text for cell in columns["Channels met, in order"]] == ["no channel", "tv", "tv → press"]
    assert routes.total[1].value == 11
    assert routes.total[3].value == pytest.approx(220.75)


def test_the_bridge_of_a_stress_test_ends_where_its_steps_lead(made):
    found, columns = table(made, "bridge")
    assert sum(cell.value for cell in columns[found.header[1]]) == pytest.approx(found.total[1].value)
    _, bars = table(made, "tornado")
    assert [cell.text for cell in bars["Shock"]] == ["price <b>", "tv"]  # the largest first


def test_the_worst_paths_are_those_of_the_run(made, runs, tmp_path):
    found = made.given.stress
    best = next(one for one in found.cases[0].policies if one.policy == "replan")
    assert made.given.outcomes.mean() == pytest.approx(best.outcome.mean, rel=1e-12)
    told, columns = table(made, "outcomes")
    assert columns["What"][0].text == "1.0 % of paths are below"
    assert columns[told.header[1]][3].value == pytest.approx(np.median(made.given.outcomes))
    alone = tmp_path / "stress.json"
    shutil.copy(runs["stress"] / "stress.json", alone)
    assert read_runs([alone]).outcomes is None
    for damage in (b"no paths", None):
        (tmp_path / "paths.npz").write_bytes(damage or b"")
        if damage is None:
            np.savez(tmp_path / "paths.npz", **{"0/replan/outcome": np.ones((200, 2))})
        with pytest.raises(Exception, match="ask for the stress test again") as caught:
            read_runs([alone])
        assert caught.value.exit_code == 3


def test_the_proof_is_the_plans_own_and_names_every_rule_that_binds(made):
    section = next(one for one in made.page.sections if one.id == "proof")
    said = next(block for block in section.blocks if isinstance(block, Words)).paragraphs[0]
    assert f"Proof: {said}".lower() == proof(made.given.plan).lower()
    _, columns = table(made, "prices")
    assert set(made.given.plan.binding) <= {cell.text for cell in columns["Rule"]}


def test_the_glossary_holds_just_the_words_that_are_used(made, runs):
    def words(page):
        found = [one for one in page.sections if one.id == "glossary"]
        return {
            name
            for section in found
            for block in section.blocks
            if isinstance(block, Listed)
            for name, _ in block.items
        }

    assert {"gap", "draw", "value at risk", "5-95 %"} <= words(made.page) <= set(MEANINGS)
    assert "value at risk" not in words(read_report([runs["year"]]).page)


def test_provenance_names_every_file_with_its_digest(made, runs):
    _, columns = table(made, "files")
    assert len(columns["File"]) == len(ALL)
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", cell.text) for cell in columns["Digest"])
    assert str(runs["year"]) in [cell.text for cell in columns["File"]]


def test_the_page_asks_for_nothing_runs_nothing_and_allows_its_own_style_alone(html):
    assert "<script" not in html
    assert not re.search(r"""(href|src)=["'](?!#|data:,)""", html)
    assert not re.search(r"<[^>]* (on\w+|style)=", html)
    assert re.search(r"default-src &#39;none&#39;; style-src &#39;sha256-[\w+/=]{44}&#39;; img-src data:", html)
    assert len(html.encode()) <= 1_500_000


def test_every_chart_says_in_words_what_it_shows_and_has_its_figures_beside_it(made, html):
    drawn = re.findall(r'<svg role="img"[^>]* aria-label="([^"]+)"', html)
    assert len(drawn) == html.count("<svg ") >= len(figures_of(made.page))
    assert all(len(told) > 10 for told in drawn)
    alone = {one.name for one in figures_of(made.page) if one.table is None}
    assert alone <= {one.name for one in tables_of(made.page)} | {"outcome"}
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}


def test_hostile_names_stay_text(tmp_path):
    runs = written(tmp_path, HOSTILE)
    made = read_report([runs[name] for name in ALL])
    write_page(made, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    assert html.count("&lt;/script&gt;&lt;script&gt;window.PWNED=1") > 10


def test_two_fits_and_a_plan_of_another_fit_are_refused(runs, tmp_path):
    other = written(tmp_path, ("tv", "press"))
    cases = {
        "a report shows one fit": [runs["fit"], other["fit"]],
        "was made from other curves than those of": [runs["fit"], other["year"]],
        "was made from another fit than": [runs["year"], other["less"]],
        "is given twice": [runs["year"], runs["year"]],
    }
    for said, given in cases.items():
        with pytest.raises(Exception, match=said) as caught:
            read_runs(given)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("year.json", lambda told: told | {"schema": "x/1"}, "no run that a report can show"),
        ("year.json", lambda told: told | {"spend": [[1.0] * 4]}, "plan again"),
        ("year.json", lambda told: told | {"gain": None}, "gain: .* no plan of this version"),
        ("year.json", lambda told: {"schema": told["schema"]}, "lacks what plans of this version tell"),
        ("stress/stress.json", lambda told: told | {"cases": 1}, "no stress test of this version"),
        ("frontier/frontier.json", lambda told: told | {"points": [{}]}, "lacks what frontiers of this version tell"),
        (
            "fit/health.json",
            lambda told: told | {"trust": "good"},
            "not the file that manifest.json beside it describes",
        ),
        (
            "world/manifest.json",
            lambda told: told | {"files": {}},
            "not the file that manifest.json beside it describes",
        ),
    ],
)
def test_a_damaged_run_is_refused_in_one_sentence(tmp_path, name, damage, said, runs):
    folder = tmp_path / "runs"
    shutil.copytree(runs["fit"].parent, folder)
    place = folder / name
    place.write_text(json.dumps(damage(json.loads(place.read_text()))))
    with pytest.raises(Exception, match=said) as caught:
        read_runs([place])
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_curves_alone_show_their_curves(tmp_path, make):
    curves = make.curves(make.channel("tv", [90.0, 110.0]), make.channel("pr", [50.0, 80.0]))
    write_curves(tmp_path / "mine.json", curves)
    page = read_report([tmp_path / "mine.json"]).page
    assert [section.id for section in page.sections] == ["curves", "glossary", "provenance"]
