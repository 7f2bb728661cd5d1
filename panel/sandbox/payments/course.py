"""What happens by itself once its time has come."""

from collections.abc import Callable
from typing import Final

from panel.sandbox.payments import refunding, sessions
from panel.sandbox.payments.account import Account

_HAPPENINGS: Final[dict[str, Callable[[Account, str], object]]] = {
    sessions.EXPIRES: sessions.expire,
    sessions.DEBIT_ARRIVES: sessions.debit_arrived,
    sessions.DEBIT_FAILS: sessions.debit_failed,
    refunding.FAILS: refunding.fail_late,
}


def catch_up(account: Account) -> None:
    """Let everything happen that is due by the account's clock, in order; no request is the cause of it."""
    account.request_id = account.key = None
    while (due := account.store.next_due()) is not None:
        number, what = due
        _HAPPENINGS[what](account, number)
