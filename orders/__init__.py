"""What was bought and how far it got."""
