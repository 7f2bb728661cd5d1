"""What is owed back, and why."""
