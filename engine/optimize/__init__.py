"""Curves and a scenario into a plan that carries its proof."""
