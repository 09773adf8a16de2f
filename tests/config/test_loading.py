"""TOML into closed records: every message names file, line, field, value and remedy."""

from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from engine.config.loading import Closed, Money, Name, Positive, Share, line_of, load, parse
from engine.config.model import Model
from engine.errors import InputError


class Rule(Closed):
    """What may be done with one channel."""

    floor: Money = 0.0
    cap: Money | None = None

    @model_validator(mode="after")
    def _in_order(self):
        if self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:g} is above cap {self.cap:g}")
        return self


class Step(Closed):
    """One of several steps."""

    factor: Positive


class Question(Closed):
    """A small record with every kind of field."""

    name: Name
    start: date
    kind: Literal["paid", "earned"] = "paid"
    share: Share = 0.5
    count: Annotated[int, Field(ge=1, le=10)] = 1
    rules: dict[Name, Rule] = Field(default_factory=dict)
    steps: tuple[Step, ...] = Field(strict=False, default=())


GOOD = """\
name = "x"
start = 2027-01-04
[rules.tv]
floor = 1
[[steps]]
factor = 2
[[steps]]
factor = 3.5
"""


def ask(text):
    return parse(text, Question, "some.toml")


def test_a_good_text_becomes_a_frozen_record():
    question = ask(GOOD)
    assert (question.name, question.start, question.rules["tv"].floor) == ("x", date(2027, 1, 4), 1.0)
    assert [step.factor for step in question.steps] == [2.0, 3.5]
    with pytest.raises(ValueError, match="frozen"):
        question.name = "y"


HEAD = 'name = "x"\nstart = 2027-01-04\n'
# what is wrong: the text, then what the message must contain, in this order
WRONG = {
    "an unknown key": (HEAD + "shar = 1\n", ["some.toml, line 3: shar is not a known key", "did you mean 'share'?"]),
    "an unknown key of no likeness": (HEAD + "zzz = 1\n", ["line 3: zzz", "known here: count, kind, name"]),
    "an unknown inner key": (HEAD + "[rules.tv]\nflor = 1\n", ["line 4: rules.tv.flor", "did you mean 'floor'?"]),
    "a missing key": ('name = "x"\n', ["some.toml: start is missing", "add it"]),
    "a missing key of a table": (HEAD + "[[steps]]\n", ["line 3: steps.0.factor is missing"]),
    "text for a number": (HEAD + 'share = "0.5"\n', ["line 3: share = '0.5'", "number", "without quotes"]),
    "true for a number": (HEAD + "share = true\n", ["line 3: share = true", "a number is needed"]),
    "true for a count": (HEAD + "count = true\n", ["line 3: count = true", "a whole number is needed"]),
    "a fraction for a count": (HEAD + "count = 1.5\n", ["line 3: count = 1.5", "without a fraction"]),
    "a number for a text": (
        "name = 3\nstart = 2027-01-04\n",
        ["name = 3", "a text is needed; write it in quotes"],
    ),
    "an empty name": ('name = ""\nstart = 2027-01-04\n', ["line 1: name = ''", "the text is empty"]),
    "not a number": (HEAD + "share = nan\n", ["line 3: share = nan", "finite"]),
    "infinity": (HEAD + "share = inf\n", ["line 3: share = inf", "finite"]),
    "overflow": (HEAD + "share = 1e400\n", ["line 3: share = inf", "finite"]),
    "a whole number beyond any float": (HEAD + f"share = 1{'0' * 400}\n", ["share"]),
    "thousands of digits": (HEAD + f"share = 1{'0' * 5000}\n", ["some.toml"]),
    "above its range": (HEAD + "share = 1.5\n", ["line 3: share = 1.5", "less than or equal to 1"]),
    "below its range": (
        HEAD + "[rules.tv]\nfloor = -1\n",
        ["line 4: rules.tv.floor = -1", "greater than or equal to 0"],
    ),
    "none of the choices": (HEAD + 'kind = "payd"\n', ["line 3: kind = 'payd'", "'paid' or 'earned'"]),
    "a text for a date": ('name = "x"\nstart = "2027-01-04"\n', ["line 2: start", "date", "without quotes"]),
    "an impossible date": ('name = "x"\nstart = 2027-02-30\n', ["line 2", "not TOML"]),
    "rules that contradict": (
        HEAD + "[rules.tv]\nfloor = 9\ncap = 5\n",
        ["line 3: rules.tv", "floor 9 is above cap 5"],
    ),
    "the second of several": (HEAD + "[[steps]]\nfactor = 1\n[[steps]]\nfactor = 0\n", ["line 6: steps.1.factor = 0"]),
    "a table for a number": (HEAD + "share = { a = 1 }\n", ["line 3: share", "number"]),
    "a number for a table": (HEAD + "rules = 3\n", ["line 3: rules = 3: a table is needed"]),
    "a quoted key": (HEAD + '[rules."tv spot"]\nfloor = -1\n', ["line 4: rules.tv spot.floor"]),
    "no TOML": (HEAD + "share = \n", ["some.toml, line 3: not TOML", "'share ='", "nothing stands behind the sign"]),
    "no end": (HEAD + "share = [\n", ["not TOML"]),
    "a key twice": (HEAD + "share = 1\nshare = 1\n", ["line 4: not TOML", "overwrite"]),
    "a table twice": (HEAD + "[rules.tv]\n[rules.tv]\n", ["line 4: not TOML", "twice"]),
    "nested without end": (HEAD + "share = " + "[" * 5000 + "]" * 5000, ["nested"]),
    "nested tables without end": (HEAD + "share = " + "{ a = " * 5000 + "1" + "}" * 5000, ["nested"]),
    "a NUL byte": (HEAD + 'kind = "pa\x00id"\n', ["line 3: not TOML"]),
}


def refusal(text):
    with pytest.raises(InputError) as fault:
        ask(text)
    return str(fault.value)


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_text_is_refused_with_its_place_its_value_and_a_remedy(text, words):
    message = refusal(text)
    at = 0
    for word in words:
        assert word in message[at:], message
        at = message.index(word, at)
    assert len(message) < 400
    assert ";" in message


def test_everything_that_is_wrong_is_said_at_once_one_line_each():
    message = refusal('name = ""\nshare = 2\nzzz = 1\n')
    assert len(message.splitlines()) == 4
    assert all(line.startswith("some.toml") for line in message.splitlines())


def test_a_file_is_refused_by_its_own_name(tmp_path):
    path = tmp_path / "question.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(path, Question).name == "x"
    path.write_bytes(GOOD.replace("x", "\u00e9").encode("latin-1"))
    with pytest.raises(InputError, match=r"question\.toml: byte 8 is not UTF-8; save"):
        load(path, Question)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="above the limit"):
        load(path, Question)
    with pytest.raises(InputError, match=r"is it 'question\.toml'\?"):
        load(tmp_path / "qestion.toml", Question)


def test_lines_are_found_through_dotted_quoted_and_inline_keys():
    text = 'a.b = 1\n[c."d e"]\nf = 2\n[[g]]\nh = 1\n[[g]]\n# h = 9\nh = { i = 3 }\n'
    places = {("a", "b"): 1, ("c", "d e", "f"): 3, ("g", "0", "h"): 5, ("g", "1", "h"): 8, ("g", "1", "h", "i"): 8}
    assert {path: line_of(text, path) for path in places} == places
    assert line_of(text, ("nowhere",)) is None


def model(lines):
    return parse(f'[data]\ndate = "d"\noutcome = "y"\n{lines}', Model, "model.toml")


CHANNEL = '[channels.tv]\nkind = "paid"\nspend = "tv"\n'
MODELS = {
    "no channel": ("", ["channels is missing"]),
    "two outcomes": ('kpi = "z"\n' + CHANNEL, ["data", "either outcome or kpi"]),
    "a value without its kpi": ("value_per_kpi = 3\n" + CHANNEL, ["data", "value_per_kpi goes with kpi"]),
    "a channel without money": ('[channels.tv]\nkind = "paid"\n', ["channels.tv", "either spend, or exposure"]),
    "an unknown kind": ('[channels.tv]\nkind = "bought"\nspend = "tv"\n', ["line 5: channels.tv.kind = 'bought'"]),
    "an unknown repair": ('decimal = ";"\n' + CHANNEL, ["line 4: data.decimal"]),
}


@pytest.mark.parametrize(("lines", "words"), MODELS.values(), ids=MODELS)
def test_a_wrong_model_file_is_refused_with_its_place(lines, words):
    with pytest.raises(InputError) as fault:
        model(lines)
    assert [word for word in words if word not in str(fault.value)] == []


def test_the_model_file_of_the_contract_is_read():
    held = model(CHANNEL + '[controls]\ncolumns = ["rain"]\n[events]\ncolumn = "events"\n')
    assert held.channels["tv"].spend == "tv"
    assert held.controls.columns == ("rain",)
    assert held.events.column == "events"
