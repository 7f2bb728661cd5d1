"""The chart of accounts: which accounts must exist, and who opens them."""

from collections.abc import Collection

from django.db import connection

from billing.models import Account, CustomerAccount, House

SPENDABLE = (CustomerAccount.AVAILABLE, CustomerAccount.PROMO)
ALL = tuple(CustomerAccount)


def open_house_accounts() -> None:
    """Insert the house's accounts that are missing; their primary keys are fixed."""
    Account.objects.bulk_create([Account(pk=house.value) for house in House], ignore_conflicts=True)


def open_customer_accounts(customer_ids: Collection[int], kinds: Collection[CustomerAccount] = SPENDABLE) -> None:
    """Insert the accounts of these kinds that these customers lack, in one statement; safe to repeat and to race."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_account (customer_id, kind, balance)
            SELECT c.id, k.kind, 0
            FROM unnest(%s::bigint[]) AS c(id) CROSS JOIN unnest(%s::text[]) AS k(kind)
            ORDER BY 1, 2
            ON CONFLICT (customer_id, kind) DO NOTHING
            """,
            [list(customer_ids), list(kinds)],
        )
