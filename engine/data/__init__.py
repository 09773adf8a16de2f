"""What an analyst can know: read, checked and written."""
