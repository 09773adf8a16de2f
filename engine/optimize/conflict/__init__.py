"""Rules that cannot be kept together, and what to relax."""
