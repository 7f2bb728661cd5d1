"""Management code of the billing room."""
