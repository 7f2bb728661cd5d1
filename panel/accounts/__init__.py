"""People: users, their API keys, suspension."""
