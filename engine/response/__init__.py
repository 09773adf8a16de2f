"""What spend does to outcome: carry-over, saturation, and the curves that hold both."""
