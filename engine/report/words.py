"""Moved to `engine.words`."""

from engine.words import money, number, percent, plain, table

__all__ = ["money", "number", "percent", "plain", "table"]
