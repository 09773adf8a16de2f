"""Charts of a fit: what they show is what the records say, for any names, any money and any number of channels."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from engine.calibrate.calibrate import UNEXPLAINED as UNEXPLAINED_PART
from engine.files import digest
from engine.report.charts.course import MOST, UNEXPLAINED
from engine.report.charts.document import charts_of, charts_text
from engine.report.charts.look import GRAMMAR
from engine.report.charts.shares import SHOWN, shares_of
from engine.response.curves import kernel, pace, respond
from engine.study.learn import write_fit
from tests.report.fits import fit_of

NAMES = {"response", "shares", "returns", "contributions", "carry_over", "outcome"}
MANY = tuple(f"channel {number}" for number in range(50))
HOSTILE = (
    "</script><script>",
    "datum['x']",
    "a.b[0]\\'\"",
    '"); alert(1); ("',
    "tv\x1b[31m\n\u202e",
    "level",
    "x" * 300,
)
FITS = {
    "usual": fit_of(),
    "one channel": fit_of(("tv",)),
    "fifty channels": fit_of(MANY),
    "no effect": fit_of(ceiling=0.0),
    "tiny money": fit_of(unit=1e-3 / 20),
    "huge money": fit_of(unit=1e12 / 20),
    "counts": fit_of(is_money=False, outcome="orders"),
    "long": fit_of(periods=700),
    "short": fit_of(periods=3),
    "hostile": fit_of(HOSTILE, outcome="</script>['x'] \x07"),
}
every_fit = pytest.mark.parametrize("kind", FITS)


@cache
def charts(kind: str) -> dict[str, Any]:
    """The charts of one of the fits, made once."""
    return charts_of(FITS[kind])


def inside(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of a spec."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from inside(inner)


def views(spec: dict[str, Any], data: list | None = None, encoding: dict | None = None) -> Iterator[tuple]:
    """Every drawn layer: its mark, its encoding with what it inherits, and its rows."""
    data = spec["data"]["values"] if "data" in spec else data
    encoding = {**(encoding or {}), **spec.get("encoding", {})}
    if "mark" in spec:
        yield spec["mark"], encoding, data
    for name in ("layer", "concat", "vconcat"):
        for inner in spec.get(name, []):
            yield from views(inner, data, encoding)


def column(rows: list[dict], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=float)


def drawn(spec: dict[str, Any], *fields: str) -> list[list[dict]]:
    """The rows of each layer that hold exactly these fields."""
    return [data for _, _, data in views(spec) if data and set(data[0]) == set(fields)]


def test_the_part_that_is_unexplained_is_named_as_calibration_names_it():
    assert UNEXPLAINED == UNEXPLAINED_PART


@every_fit
def test_the_document_is_strict_json_that_says_where_it_comes_from(kind):
    fit = FITS[kind]

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(charts_text(fit), parse_constant=refuse)
    assert document["schema"] == "peso.charts/1" and document["made_from"] == fit.curves.made_from
    assert (document["currency"], document["outcome"], document["period"]) == ("EUR", fit.curves.outcome, "week")
    assert set(document["charts"]) == NAMES - ({"returns"} if not fit.curves.is_money else set())


@every_fit
def test_every_chart_has_a_title_a_description_and_the_grammar_and_no_other_address(kind):
    for spec in charts(kind).values():
        assert spec["$schema"] == GRAMMAR and spec["title"]["text"] and len(spec["description"]) > 60
        assert json.dumps(spec).count("http") == 1


@every_fit
def test_every_axis_of_numbers_tells_its_units(kind):
    for spec in charts(kind).values():
        axes = [
            axis
            for _, encoding, _ in views(spec)
            for name, axis in encoding.items()
            if name in ("x", "y") and axis.get("type") == "quantitative"
        ]
        assert axes
        for axis in axes:
            title = axis["title"] if isinstance(axis["title"], str) else " ".join(axis["title"])
            assert re.search(r"\((EUR .*|.*a week|%|weeks|.*per EUR 1 .*)\)", title), title


@every_fit
def test_every_field_that_is_drawn_is_in_the_rows(kind):
    for spec in charts(kind).values():
        seen = 0
        for _, encoding, data in views(spec):
            for axis in encoding.values():
                if "field" in axis:
                    assert data is not None and all(axis["field"] in row for row in data)
                    seen += 1
        assert seen > 3


TEXT = {"text", "subtitle", "title", "description", "name", "channel", "part", "domain"}  # where text is only shown


@pytest.mark.parametrize("name", sorted(NAMES))
def test_text_from_data_stands_only_where_text_is_shown(name):
    spec = charts("hostile")[name]
    marks = ("</script>", "datum[", "a.b[0]", "alert(1)", "\\x1b", "\\x07")
    found = 0
    for part in inside(spec):
        for key, value in part.items():
            told = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
            hits = [one for one in told if any(mark in one for mark in marks)]
            assert not hits or key in TEXT, (key, hits)
            assert not any(mark in key for mark in marks)
            assert all(letter.isprintable() for one in told for letter in one)
            found += len(hits)
        assert not set(part) & {"expr", "signal", "calculate", "filter", "transform", "href", "url", "sort"} or (
            part.get("sort", 0) is None
        )
    assert found > 0


def test_names_that_look_alike_stay_apart():
    specs = charts_of(fit_of(("tv\x07", "tv\\x07", "baseline")))
    assert len({row["channel"] for row in drawn(specs["shares"], "channel", "kind", "share")[0]}) == 3
    assert len({row["part"] for row in drawn(specs["contributions"], "part")[0]}) == 4


@every_fit
def test_the_response_is_that_of_the_curves_and_today_lies_on_it(kind):
    fit = FITS[kind]
    panels = charts(kind)["response"]["concat"]
    assert len(panels) == len(fit.curves.channels)
    for panel, channel in zip(panels, fit.curves.channels, strict=True):
        unit_x, unit_y = (unit_in(axis) for axis in axes_of(panel))
        (band,) = drawn(panel, "spend", "low", "high")
        seen, beyond, today = drawn(panel, "spend", "mean")
        wide = np.broadcast_to(column(band, "spend")[:, None] * unit_x, (len(band), fit.curves.draws))
        brought = respond(channel, wide)
        assert column(band, "low") * unit_y == pytest.approx(np.percentile(brought, 5, axis=1), rel=5e-3)
        assert column(band, "high") * unit_y == pytest.approx(np.percentile(brought, 95, axis=1), rel=5e-3)
        now = pace(channel, "week")
        assert column(today, "spend") * unit_x == pytest.approx([now], rel=1e-3)
        means = [respond(channel, np.full(fit.curves.draws, now)).mean()]
        assert column(today, "mean") * unit_y == pytest.approx(means, rel=1e-3)
        assert seen[-1] == beyond[0]
        assert seen[-1]["spend"] * unit_x == pytest.approx(channel.history.support[1], rel=1e-3)


def axes_of(panel: dict[str, Any]) -> tuple[str, str]:
    """The titles across and up of a panel."""
    _, encoding, _ = next(views(panel))
    return tuple(
        title if isinstance(title, str) else " ".join(title)
        for title in (encoding["x"]["title"], encoding["y"]["title"])
    )


def unit_in(title: str) -> float:
    """The unit that an axis title names."""
    found = re.search(r"(?:EUR |\()(k|m|bn|tn) a week\)", title)
    return {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}[found[1]] if found else 1.0


def test_the_same_history_in_other_money_draws_the_same_picture():
    small, large = (charts_of(fit_of(unit=unit)) for unit in (1e3, 1e9))
    for name in ("response", "contributions", "outcome", "returns", "shares"):
        kept = [[data for *_, data in views(spec[name])] for spec in (small, large)]
        assert kept[0] == kept[1]
    assert "EUR k a week" in json.dumps(small["response"]) and "EUR bn a week" in json.dumps(large["response"])


@every_fit
def test_shares_add_up_and_are_those_of_the_contributions(kind):
    fit = FITS[kind]
    every = shares_of(fit)
    spec = charts(kind)["shares"]
    (bars,), (ticks,) = drawn(spec, "channel", "kind", "share"), drawn(spec, "channel", "spend")
    total = sum(part.mean.sum() for part in fit.contributions if part.is_channel)
    assert column(ticks, "spend").sum() == pytest.approx(100, abs=0.1)
    assert column(bars, "share").sum() == pytest.approx(100 if total else 0, abs=0.1)
    assert len(bars) == min(len(every), SHOWN + 1)
    if total and len(every) <= SHOWN:
        largest = max((part for part in fit.contributions if part.is_channel), key=lambda part: part.mean.sum())
        assert max(row["share"] for row in bars) == pytest.approx(100 * largest.mean.sum() / total, rel=1e-3)


def test_channels_taken_together_are_told():
    spec = charts("fifty channels")
    assert drawn(spec["shares"], "channel", "kind", "share")[0][-1]["channel"] == "30 other channels"
    assert "30 channels with least spend" in " ".join(spec["shares"]["title"]["subtitle"])
    assert "38 channels with less spend" in " ".join(spec["returns"]["title"]["subtitle"])
    assert drawn(spec["contributions"], "part")[0][-2]["part"] == "42 other channels"


@pytest.mark.parametrize("kind", ["usual", "one channel", "no effect", "tiny money", "huge money"])
def test_returns_are_the_readings_beside_break_even(kind):
    fit = FITS[kind]
    spec = charts(kind)["returns"]
    dots = drawn(spec, "kind", "so_far", "next")[0]
    wanted = sorted(fit.readings, key=lambda reading: -reading.spend)
    assert column(dots, "so_far") == pytest.approx([reading.roas[1] for reading in wanted], rel=1e-3)
    assert column(dots, "next") == pytest.approx([reading.marginal_roas[1] for reading in wanted], rel=1e-3)
    assert drawn(spec, "even") == [[{"even": 1}], [{"even": 1}]]
    losing = sum(reading.marginal_roas[1] < 1 for reading in wanted)
    told = " ".join(spec["title"]["text"])
    assert "every channel" in told if not losing else (f"in {losing} of" in told or losing == 1)


def test_returns_leave_out_channels_that_did_not_run_in_the_latest_year():
    fit = FITS["usual"]
    some, none = (
        charts_of(
            replace(
                fit,
                readings=tuple(replace(one, marginal_roas=None) for one in fit.readings[:idle]) + fit.readings[idle:],
            )
        )["returns"]
        for idle in (1, 4)
    )
    assert len(drawn(some, "kind", "so_far", "next")[0]) == 3
    assert "1 channels with less spend, or none in the latest year" in " ".join(some["title"]["subtitle"])
    assert "No channel ran in the latest year" in " ".join(none["title"]["text"])


@every_fit
def test_the_stack_ends_at_what_the_fit_explains_and_the_parts_make_up_the_rest(kind):
    fit = FITS[kind]
    spec = charts(kind)["contributions"]
    data = spec["data"]["values"]
    unit = unit_in(stack_title(spec))
    last = max((name for name in data[0] if name.startswith("edge")), key=lambda name: int(name[4:]))
    seen = sum(part.mean for part in fit.contributions)
    rest = fit.contributions[-1].mean
    width = -(-len(fit.starts) // MOST)
    firsts = range(0, len(seen), width)
    explained = [(seen - rest)[first : first + width].mean() for first in firsts]
    assert len(data) == len(explained) <= MOST
    assert column(data, last) * unit == pytest.approx(explained, rel=1e-3)
    level = next(part.mean for part in fit.contributions if part.component == "level")
    season = [seen_part * unit for seen_part in column(data, "part0")]
    base = [level[first : first + width].mean() for first in firsts]
    assert column(data, "edge1") * unit == pytest.approx(np.add(season, base), rel=1e-3)
    assert [row["start"] for row in data] == [fit.starts[first].isoformat() for first in firsts]


def stack_title(spec: dict[str, Any]) -> str:
    title = spec["vconcat"][0]["layer"][0]["encoding"]["y"]["title"]
    return title if isinstance(title, str) else " ".join(title)


@every_fit
def test_carry_over_is_the_kernel_and_its_half_life_the_reading(kind):
    fit = FITS[kind]
    panels = charts(kind)["carry_over"]["concat"]
    for panel, channel, reading in zip(panels, fit.curves.channels, fit.readings, strict=True):
        (bars,), (band,) = drawn(panel, "lag", "end", "mean"), drawn(panel, "lag", "low", "high")
        wanted = 100 * kernel(channel, len(bars))
        assert column(bars, "mean") == pytest.approx(wanted.mean(axis=0), rel=1e-3)
        assert column(band, "high") == pytest.approx(np.percentile(wanted, 95, axis=0), rel=1e-3)
        assert column(bars, "mean").sum() > 96
        assert drawn(panel, "lag") == [[{"lag": pytest.approx(reading.half_life[1], rel=1e-3)}]]


@every_fit
def test_seen_and_fitted_differ_by_what_is_unexplained_and_the_band_holds_the_fit(kind):
    fit = FITS[kind]
    spec = charts(kind)["outcome"]
    data = spec["data"]["values"]
    rest = fit.contributions[-1].mean
    width = -(-len(fit.starts) // MOST)
    pooled = np.array([rest[first : first + width].mean() for first in range(0, len(rest), width)])
    title = spec["layer"][0]["encoding"]["y"]["title"]
    gap = (column(data, "seen") - column(data, "fitted")) * unit_in(title if isinstance(title, str) else title[0])
    assert gap == pytest.approx(pooled, abs=2e-3 * max(abs(part.mean).max() for part in fit.contributions))
    assert np.all(column(data, "low") <= column(data, "fitted") * (1 + 1e-3))
    assert np.all(column(data, "fitted") <= column(data, "high") * (1 + 1e-3))


@pytest.mark.parametrize(("name", "most"), [("usual", 80_000), ("long", 130_000), ("fifty channels", 330_000)])
def test_files_stay_small(name, most):
    assert len(charts_text(FITS[name]).encode()) <= most


def test_the_folder_of_a_fit_holds_its_charts_and_the_manifest_names_them(tmp_path):
    write_fit(tmp_path, FITS["usual"])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    written = (tmp_path / "charts.json").read_bytes()
    assert manifest["files"]["charts.json"] == digest(written)
    assert written.decode() == charts_text(FITS["usual"])


def test_curves_by_geo_are_written_where_asked_and_never_left_from_an_earlier_fit(tmp_path):
    fit = replace(FITS["usual"], by_geo=FITS["usual"].curves)
    write_fit(tmp_path, fit, by_geo=True)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["files"]["curves_by_geo.json"] == digest((tmp_path / "curves_by_geo.json").read_bytes())
    write_fit(tmp_path, fit)
    assert not (tmp_path / "curves_by_geo.json").exists()
    assert "curves_by_geo.json" not in json.loads((tmp_path / "manifest.json").read_text())["files"]
