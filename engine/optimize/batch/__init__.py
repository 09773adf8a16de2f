"""Thousands of variations of one question at once."""
