"""Budgets that are found: targets, frontiers, balances of two goals."""
