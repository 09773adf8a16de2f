"""People: the journey they make without any touch, what a touch or word of mouth adds, and their segments."""

from pydantic import Field

from engine.config.loading import Closed, Name, Positive, Share
from engine.config.quantities import Hazard, Multiple, PositiveShare


class Journey(Closed):
    """Hazards of the moves that people make without any touch [1/week]."""

    notice: Hazard  # unaware -> aware
    consider: Hazard  # aware -> considering, for people in the market
    buy: Hazard  # considering -> customer, for people in the market
    reconsider: Hazard  # lapsed -> considering, for people in the market
    praise: Hazard  # customer -> advocate
    leave: Hazard  # customer -> lapsed
    quiet: Hazard  # advocate -> customer
    forget: Hazard  # aware -> unaware
    cool: Hazard  # considering -> aware
    lose: Hazard = 0.0  # considering (a firm: opportunity) -> rival
    win: Hazard = 0.0  # rival -> considering, for people in the market
    qualify: Hazard = 0.0  # firms: considering (a lead) -> qualified by marketing
    accept: Hazard = 0.0  # firms: qualified -> accepted by sales
    propose: Hazard = 0.0  # firms: accepted -> opportunity
    reject: Hazard = 0.0  # firms: qualified -> considering
    stall: Hazard = 0.0  # firms: accepted -> considering


class Effect(Closed):
    """Probability that one contact triggers each move of the person contacted; `repeat` counts further purchases."""

    notice: Share = 0.0
    consider: Share = 0.0
    qualify: Share = 0.0
    accept: Share = 0.0
    propose: Share = 0.0
    buy: Share = 0.0
    reconsider: Share = 0.0
    praise: Share = 0.0
    win: Share = 0.0
    repeat: Share = 0.0


class Talk(Closed):
    """Hazards that word of mouth would add if everybody were a customer [1/week]."""

    notice: Hazard = 0.0
    consider: Hazard = 0.0
    qualify: Hazard = 0.0
    accept: Hazard = 0.0
    propose: Hazard = 0.0
    buy: Hazard = 0.0
    reconsider: Hazard = 0.0
    praise: Hazard = 0.0
    win: Hazard = 0.0
    repeat: Hazard = 0.0


class WordOfMouth(Closed):
    """What customers say unasked: hazard = effect x (customers + advocate_weight x advocates) / population."""

    advocate_weight: Hazard = 1.0
    effect: Talk = Talk()


class Pace(Closed):
    """How fast people of a segment move without any touch, as multiples of the market's hazards."""

    notice: Multiple = 1.0
    consider: Multiple = 1.0
    qualify: Multiple = 1.0
    accept: Multiple = 1.0
    propose: Multiple = 1.0
    buy: Multiple = 1.0
    reconsider: Multiple = 1.0
    praise: Multiple = 1.0
    leave: Multiple = 1.0
    quiet: Multiple = 1.0
    forget: Multiple = 1.0
    cool: Multiple = 1.0
    reject: Multiple = 1.0
    stall: Multiple = 1.0
    lose: Multiple = 1.0
    win: Multiple = 1.0
    repeat: Multiple = 1.0


class Segment(Closed):
    """A part of the people that buys and uses media in its own way."""

    share: PositiveShare  # of the population
    value: Positive = 1.0  # money per purchase, as a multiple of the price
    habits: dict[Name, Positive] = Field(default_factory=dict)  # contacts by channel or kind, as a multiple
    pace: Pace = Pace()
