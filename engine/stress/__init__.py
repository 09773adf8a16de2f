"""A plan under shocks: what its money brings on thousands of paths, and what other policies would have done."""
