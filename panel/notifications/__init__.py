"""E-mails to customers: written in the transaction that causes them, sent once afterwards."""
