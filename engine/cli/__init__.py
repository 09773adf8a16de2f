"""The command `peso`: one small module per verb; each parses, calls `study` and prints."""
