"""Names that a person would take for one another."""

import unicodedata

# Letters of other alphabets drawn like a Latin one, after case folding: Cyrillic, then Greek.
_DRAWN_LIKE = str.maketrans("авекмнорстухіјѕԁԛԝαβεζηικμνορτυχ", "abekmhopctyxijsdqwabezhikuvoptux")


def look(name: str) -> str:
    """What a name looks like: without case, outer or invisible spaces, accents' encoding and alphabet.

    Two names that give the same text here are easily taken for each other.

    >>> look("TV ") == look("tv") == look("t\\u200bv"), look("\\u0440r") == look("pr"), look("tv") == look("tv2")
    (True, True, False)
    """
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_DRAWN_LIKE)
    seen = "".join(letter for letter in folded if unicodedata.category(letter) not in ("Cf", "Cc"))
    return " ".join(seen.split())
