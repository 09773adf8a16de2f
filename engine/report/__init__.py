"""Answers for people: sentences, tables, numbers with currency and period."""
