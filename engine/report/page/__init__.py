"""The report that a CMO opens: one page of sections, each made from the runs that were given."""
