"""The what-if page: one file in which sliders move the money and the outcome is worked out as the planner does."""
