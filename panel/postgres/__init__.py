"""PostgreSQL as the panel uses it: Django's own backend with a cheaper look at whether a connection still lives."""
