"""Commands of the refunds room."""
