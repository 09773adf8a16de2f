"""A glossary of just the words that a page uses."""

import re
from collections.abc import Iterable, Iterator

from engine.report.page.records import Block, Facts, Figure, Listed, Section, Table, Words

MEANINGS: dict[str, tuple[str, str]] = {
    "5-95 %": (r"5-95 %", "Nine of ten draws lie in this range; one in twenty lies below it, one in twenty above."),
    "5 %, 95 %": (r"\b(5 %|95 %)", "The 5 % point: one in twenty draws lies below it. The 95 % point: one above."),
    "baseline": (r"\b[Bb]aseline\b", "What would have come without the channels: level, trend, season and the like."),
    "bound": (r"\bbound\b", "What no plan under the same rules can exceed, as far as the curves are right."),
    "break-even": (r"[Bb]reak-even", "Where a unit of money brings back just itself."),
    "build-up": (r"\b[Bb]uild-up\b", "Effect that grows for some time before it fades."),
    "carry-over": (r"carry-over", "Effect of money that comes after the period in which it was spent."),
    "certified": (r"\b[Cc]ertified\b", "Proven to be within 0.1 % of the best plan there is, on these curves."),
    "concave": (r"\bconcave\b", "Of a curve: each further unit of money brings less than the one before."),
    "chance to bring less": (
        r"[Cc]hance (to bring|of) less",
        "The share of draws in which the plan brings less than what it is compared with.",
    ),
    "draw": (r"\bdraws?\b", "One of many worlds that the data allow; ranges and chances count over all of them."),
    "doubt": (r"doubt of (its )?moves", "What each move must earn beyond its own uncertainty before it is made."),
    "gap": (r"\b[Gg]ap\b", "The distance between what the plan is worth and what is proven to be out of reach."),
    "half-life": (r"half-life", "Periods until half of the effect of some money has come."),
    "kind": (
        r"\b(paid|earned|shared|owned)\b",
        "Paid: bought reach. Earned: what others say. Shared: what people pass on. Owned: one's own places and lists.",
    ),
    "next 1": (r"[Nn]ext (1\b|[A-Z]{3} 1\b)", "What one more unit of money would bring, from where the plan stands."),
    "policy": (r"[Cc]ut in proportion|hold the plan|[Pp]lan anew", "What is done under way when shocks have come."),
    "prior": (r"\bprior(?:'s)?\b", "What is believed of channels of this sort before the data are looked at."),
    "prudence": (r"\bprudence\b", "How many deviations of its own doubt a move must be worth."),
    "return": (
        r"\b[Rr]eturn\b",
        "What each unit of money brings: of plans in the mean over all draws, of history so far by their median.",
    ),
    "S-shaped": (r"\bS-shaped\b", "Of a curve: little money brings next to nothing, then ever more, then less again."),
    "saturation": (r"\b[Ss]aturation\b", "How much less each further unit of money brings, the more is spent."),
    "shock": (r"\b[Ss]hocks?\b", "Something that may come and that the plan did not know of: a cut, prices, demand."),
    "value at risk": (r"[Vv]alue at risk", "How far below the plan the worst paths begin."),
}
"""By word: how it is found in texts, and what it means."""


def used(sections: Iterable[Section]) -> tuple[tuple[str, str], ...]:
    """The words that these sections use, with their meanings, in the order of the alphabet."""
    said = "\n".join(text for section in sections for block in section.blocks for text in _texts(block))
    return tuple((word, meaning) for word, (look, meaning) in sorted(MEANINGS.items()) if re.search(look, said))


def _texts(block: Block) -> Iterator[str]:
    """Everything that is read in a block."""
    match block:
        case Words():
            yield from block.paragraphs
        case Facts():
            yield from (f"{fact.name} {fact.value} {fact.note}" for fact in block.facts)
        case Listed():
            yield from (f"{name} {rest}" for name, rest in block.items)
        case Table():
            yield from (block.caption, block.note, *block.header)
            yield from (cell.text for row in block.rows for cell in row)
        case Figure():
            title = block.spec.get("title", {})
            yield from (str(title), str(block.spec.get("description", "")))
            yield from _texts(block.table) if block.table else ()
