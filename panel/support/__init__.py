"""Support: customers write to staff about orders, refunds and payments, and are answered by a promised time."""
