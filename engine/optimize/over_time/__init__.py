"""Plans of several decisions: quarters or months, carry-over, what has begun."""
