"""Whose money is where: accounts, transfers, the ledger."""
