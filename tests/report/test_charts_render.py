"""Pictures of specs: nothing is loaded, a page's colours hold, and drawings do not get into each other's way."""

import re
from html.parser import HTMLParser

import pytest

from engine.report.charts.look import FAINT, INK, PAPER, QUIET, framed, heading, rows
from engine.report.render import pdf, png, svg, themed

HOSTILE = '</text><script>fill="#1b1b1b" id="clip0" url(#clip0) aria-label="x"'


def bars(name="tv", **more):
    """A chart of two bars, the first of which has a name."""
    body = {
        "data": rows(channel=[name, "press"], spend=[1.0, 2.0]),
        "mark": {"type": "bar", "clip": True, "color": QUIET},
        "encoding": {
            "x": {"field": "spend", "type": "quantitative"},
            "y": {"field": "channel", "type": "nominal", "axis": {"labelLimit": 0}},
        },
    }
    return framed(heading("Two bars", "Bar: spend", 300), "Two bars.", {**body, **more})


@pytest.fixture(scope="module")
def drawing():
    return svg(bars())


def test_a_spec_becomes_svg_png_and_pdf(drawing):
    assert drawing.startswith("<svg ") and drawing.endswith("</svg>") and texts(drawing)
    assert png(bars()).startswith(b"\x89PNG") and pdf(bars()).startswith(b"%PDF")


def test_the_same_spec_gives_the_same_picture(drawing):
    assert svg(bars()) == drawing and png(bars()) == png(bars())


def test_a_spec_that_asks_for_an_address_loads_nothing():
    with pytest.raises(ValueError, match="http"):
        svg(bars(data={"url": "https://example.org/data.csv"}))


def test_the_colours_of_the_look_are_those_of_the_page(drawing):
    themed_ones = set(re.findall(r'(?:fill|stroke)="(#[^"]*)"', themed(drawing)))
    assert not {one.lower() for one in themed_ones} & {INK, QUIET, FAINT, PAPER, "#000", "#000000"}
    assert f'"var(--ink, {INK})"' in themed(drawing) and f'"var(--paper, {PAPER})"' in themed(drawing)


def test_every_text_of_a_page_takes_its_colour_from_the_page(drawing):
    tags = re.findall(r"<text[^>]*>", themed(drawing))
    assert tags and all('fill="var(--' in one for one in tags)


def test_a_drawing_is_one_image_that_is_said_in_words(drawing):
    told = themed(drawing, 'spend of "tv" <b>')
    assert told.startswith('<svg role="img" overflow="visible" aria-label="spend of &quot;tv&quot; &lt;b&gt;" ')
    assert told.count("aria-") == 1 and told.count("role=") == 1 and " viewBox=" in told


def test_a_drawing_in_a_page_names_no_address_and_no_style(drawing):
    assert not re.search(r"http|style=|<style|class=", themed(drawing))
    assert len(themed(drawing)) < 0.8 * len(drawing)


def test_ids_of_two_drawings_differ_and_every_reference_is_kept():
    one, other = (themed(svg(bars(name))) for name in ("tv", "radio"))
    ids = [re.findall(r' id="([^"]*)"', text) for text in (one, other)]
    assert ids[0] and not set(ids[0]) & set(ids[1])
    assert set(re.findall(r"url\(#([^)]*)\)", one)) == set(ids[0])


def test_names_that_look_like_markup_stay_the_texts_they_are():
    drawn = svg(bars(HOSTILE))
    assert HOSTILE in texts(drawn) and HOSTILE in texts(themed(drawn))
    assert "<script" not in themed(drawn)


class Texts(HTMLParser):
    """Collects what stands in elements named text."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "text":
            self.found.append("")

    def handle_data(self, data):
        self.found[-1] += data


def texts(drawn):
    """The texts of a drawing, as a reader sees them."""
    reader = Texts()
    reader.feed(drawn)
    return reader.found


def test_numbers_keep_two_decimals_at_most(drawing):
    assert not re.search(r'(?:\bd|transform)="[^"]*\.\d{3}', themed(drawing))
