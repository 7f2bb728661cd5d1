"""Commands of the billing room."""
