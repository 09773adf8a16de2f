"""The split above the channels: shares of all money by role, kind, geo or segment, fixed or within bounds."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from engine.config.loading import Closed, Name, Share

Kind = Literal["paid", "earned", "shared", "owned"]
Role = Literal["brand", "activation"]
Axis = Literal["roles", "kinds", "geos", "segments"]
AXES: dict[Axis, str] = {"roles": "role", "kinds": "kind", "geos": "geo", "segments": "segment"}  # and one of each
ALL = 1 + 1e-9  # of the money, with what sums of shares are rounded by


class ShareBounds(Closed):
    """Bounds of a group as shares of total spend."""

    least: Share = Field(default=0.0, alias="min")
    most: Share = Field(default=1.0, alias="max")

    @model_validator(mode="after")
    def _in_order(self) -> "ShareBounds":
        if self.least > self.most:
            raise ValueError(f"min {self.least:g} is above max {self.most:g}")
        return self

    @property
    def is_fixed(self) -> bool:
        """Whether there is but one share between the bounds."""
        return self.least == self.most


def _fixed(given: Any) -> Any:
    """A share as the bounds that hold it where it is; bounds as they are."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return given
    if given > 1:
        raise ValueError(
            f"this is {given:g} times all the money, not {given:g} %; write {given / 100:g} for {given:g} %"
        )
    return {"min": given, "max": given}


Asked = Annotated[ShareBounds, BeforeValidator(_fixed)]


class Strategy(Closed):
    """What of all money goes where above the channels: a share, or bounds of one."""

    roles: dict[Role, Asked] = Field(default_factory=dict)
    kinds: dict[Kind, Asked] = Field(default_factory=dict)
    geos: dict[Name, Asked] = Field(default_factory=dict)
    segments: dict[Name, Asked] = Field(default_factory=dict)

    @property
    def asked(self) -> dict[Axis, dict[str, ShareBounds]]:
        """The shares by axis, of those axes that have any."""
        every: dict[Axis, dict[str, ShareBounds]] = {
            "roles": {str(name): one for name, one in self.roles.items()},
            "kinds": {str(name): one for name, one in self.kinds.items()},
            "geos": self.geos,
            "segments": self.segments,
        }
        return {axis: shares for axis, shares in every.items() if shares}

    @model_validator(mode="after")
    def _of_one_whole(self) -> "Strategy":
        if not self.asked:
            raise ValueError(f"nothing is fixed; give shares under {', '.join(AXES)}")
        for axis, shares in self.asked.items():
            least = sum(one.least for one in shares.values())
            if least > ALL:
                raise ValueError(f"{axis} take at least {100 * least:g} % of the money together; 100 % is all there is")
        return self
