"""Least returns: what money must bring on average, or at its margin, to be spent on channels at all."""
