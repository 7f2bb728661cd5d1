"""The pretended Stripe account: what every use case here works on, its balance, and its events."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from panel.sandbox.payments.store import Document, Store

API_VERSION: Final = "2026-10-28.endive"
_FEE_SHARE: Final = Decimal("0.029")
_FEE_FIXED: Final = 30
_SYMBOLS: Final = {"usd": "$", "eur": "€", "gbp": "£"}
_WITHOUT_MINOR_UNITS: Final = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
_CATEGORIES: Final = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
}


@dataclass(slots=True)
class Account:
    """The account. All but the first two describe the request that is being carried out, under the store's lock."""

    store: Store
    late_seconds: float
    delivers: bool = False
    request_id: str | None = None
    key: str | None = None
    origin: str = ""

    @property
    def refunds_stay_pending(self) -> bool:
        """Whether refunds are answered `pending` and then wait for control."""
        return self.store.setting("refund_outcome", "succeeded") == "pending"

    @property
    def hands_out_webhooks(self) -> bool:
        """Whether events wait until control asks for them, instead of being delivered at once."""
        return self.store.setting("webhooks", "auto") == "manual"

    def now(self) -> int:
        """Return the clock's time in whole Unix seconds, as objects carry it."""
        return int(self.store.now())


def charge_fee(amount: int) -> int:
    """Return Stripe's standard fee of a charge: 2.9 % and 30 cents, in minor units."""
    return int((amount * _FEE_SHARE).quantize(Decimal(1), ROUND_HALF_UP)) + _FEE_FIXED


def book(
    account: Account, kind: str, *, amount: int, source: Document, fee: int = 0, category: str | None = None
) -> str:
    """Move the balance by `amount` less `fee` and return the id of the balance transaction."""
    store, currency = account.store, str(source["currency"])
    transaction: Document = {
        "id": store.name("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": account.now(),
        "balance_type": "payments",
        "created": account.now(),
        "currency": currency,
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Dispute fee" if kind == "adjustment" else "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": category or _CATEGORIES[kind],
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
    store.insert(transaction)
    store.set_balance(currency, store.balance(currency) + amount - fee)
    return str(transaction["id"])


def balance(account: Account) -> Document:
    """Return the Balance object. All money is available at once."""
    store = account.store
    currencies = store.currencies() or ["usd"]

    def rows(amounts: dict[str, int]) -> list[Document]:
        return [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in amounts.items()
        ]

    return {
        "object": "balance",
        "available": rows({currency: store.balance(currency) for currency in currencies}),
        "livemode": False,
        "pending": rows(dict.fromkeys(currencies, 0)),
    }


def emit(account: Account, kind: str, document: Document, previous: Document | None = None) -> str:
    """Record that something happened to an object, for the list of events and the webhook; return the event's id."""
    event: Document = {
        "id": account.store.name("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": account.now(),
        "data": {"object": document} if previous is None else {"object": document, "previous_attributes": previous},
        "livemode": False,
        "pending_webhooks": int(account.delivers or account.hands_out_webhooks),
        "request": {"id": account.request_id, "idempotency_key": account.key},
        "type": kind,
    }
    account.store.insert(event)
    if event["pending_webhooks"]:
        account.store.owe(event["id"])
    return str(event["id"])


def shown(amount: int, currency: str) -> str:
    """Return an amount of minor units for people, such as `$1,250.00`."""
    value = f"{amount:,}" if currency in _WITHOUT_MINOR_UNITS else f"{Decimal(amount) / 100:,.2f}"
    return f"{_SYMBOLS[currency]}{value}" if currency in _SYMBOLS else f"{value} {currency.upper()}"
