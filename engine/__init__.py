"""PESO Engine: simulation and proven optimization of marketing budgets."""

__version__ = "0.1.0"
