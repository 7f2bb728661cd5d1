"""What a policy would have paid on past orders, against what was paid: worked out in the database, reading only.

* `judging`: the statement that judges one chunk of orders by a policy that is compiled to SQL;
* `results`: what comes out, added up chunk by chunk in constant memory;
* `running`: one pass over a period, on one snapshot;
* `runs`: the rows that staff ask for, carried out by a worker with progress.

The meaning, and what can't be known, is in docs/policies.md.
"""
