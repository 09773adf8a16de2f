"""Charts: small functions from records to Vega-Lite specs with their data inside, of one look."""
