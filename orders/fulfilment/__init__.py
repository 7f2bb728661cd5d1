"""Getting orders delivered by providers: the wire, what a report means, submitting and syncing."""
