"""Public pages and the customer's dashboard."""
