"""One name per array axis, in one order, everywhere.

Order: `draw, period, geo, segment, channel, stage`; a list of trial values is a `point`.
Annotations are written `Float[Array, "period channel"]`: an array of either kind, numpy or JAX, with
those axes. The formulas of `response` serve both kinds through the array API standard.
"""

from typing import Any

AXES = ("draw", "period", "geo", "segment", "channel", "stage")

Array = Any
"""A numpy or JAX array; the test suite checks its shape and its type of number wherever it is named."""
