"""Closeness: how near to each other numbers of a plan must be, from rounding to what a certificate may show."""

ROUNDING = 1e-8  # of the money in question: what sums of limits that people type may be off
CERTIFIED = 1e-3  # relative gap up to which a plan is called certified
NEARLY = 8e-4  # relative gap of a program above which its lines over convex stretches are drawn anew, finer
FINER = 2.5e-4  # relative gap above which tables are made finer, where they were made for a plan worth more
SEARCHED = 5e-5  # relative gap at which a search ends, our own or the solver's: a twentieth of a certificate's
TABLES = 5e-5  # of the plan's value: what all tables together may add to the bound
