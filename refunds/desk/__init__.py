"""The refund desk: requests of customers and reviews that a policy asks for, from the first word to the answer."""
