"""The truth: journeys of people through the touches of a market, in double precision."""
