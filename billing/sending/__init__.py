"""Sending withdrawals: the due rows are claimed, carried out at their gateways, and recorded.

Three steps, never mixed: `claims` (a transaction that writes what is about to be tried), `calls` (no lock, no
transaction), `outcomes` (a transaction that records). A process may die between any two of them.
"""
