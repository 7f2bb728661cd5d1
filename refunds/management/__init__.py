"""Management code of the refunds room."""
