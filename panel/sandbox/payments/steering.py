"""A running sandbox as tests and control hold it: everything that can be done to it from outside Stripe's API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from panel.sandbox.fault_queue import FaultQueue
from panel.sandbox.payments import account as accounts
from panel.sandbox.payments import cards, charging, course, disputing, errors, faults, refunding, sessions, warning
from panel.sandbox.payments import courier as couriers
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.cards import Paying
from panel.sandbox.payments.courier import Courier, Delivery
from panel.sandbox.payments.faults import Fault
from panel.sandbox.payments.store import Document

_MODES: Final = frozenset({"auto", "manual"})
_REFUND_OUTCOMES: Final = frozenset({"succeeded", "pending"})


@dataclass(slots=True)
class PaymentsSandbox:
    """A running sandbox. `url` is Stripe's base address for the SDK, for `api` and for `files`.

    The methods raise StripeError for objects that do not exist or are in a state that forbids it, ValueError for
    words that are not known.
    """

    account: Account
    courier: Courier
    faults: FaultQueue[Fault]
    key: str
    webhook_secret: str
    answer_ms: float = 0.0
    url: str = ""

    @property
    def control_url(self) -> str:
        """Address under which control stands."""
        return f"{self.url}/_control"

    @contextmanager
    def changing(self) -> Iterator[Account]:
        """Give the account, caught up with its clock and locked; deliver afterwards what the block made happen."""
        with self.account.store.transaction():
            course.catch_up(self.account)
            yield self.account
        self.courier.wake()

    # Checkout Sessions

    def pay(
        self,
        session: str,
        *,
        card: str | None = None,
        outcome: str | None = None,
        amount_received: int | None = None,
    ) -> bool:
        """Pay a session; True if it is complete afterwards, False if the card was declined.

        `card` is a name of cards.CARDS; alone it behaves as that card does. `outcome` is "pay", "decline", "pay_later"
        or "fail_later". Neither: a Visa that pays. `amount_received` in minor units, if less than asked comes in.
        """
        if card is not None and card not in cards.CARDS:
            raise ValueError(f"card is one of {', '.join(cards.CARDS)}")
        wanted = None if outcome is None else Paying(outcome)
        used = cards.CARDS[card] if card else cards.BY_OUTCOME[wanted or Paying.PAYS]
        with self.changing() as account:
            return sessions.pay(account, session, used, outcome=wanted, received=amount_received)

    def decline(self, session: str) -> None:
        """Try to pay a session with a card that is declined; it stays open."""
        self.pay(session, outcome=Paying.DECLINES)

    def pay_later(self, session: str) -> None:
        """Complete a session by a bank debit that arrives after `late_seconds` of the clock."""
        self.pay(session, outcome=Paying.PAYS_LATER)

    def fail_later(self, session: str) -> None:
        """Complete a session by a bank debit that fails after `late_seconds` of the clock."""
        self.pay(session, outcome=Paying.FAILS_LATER)

    def expire(self, session: str) -> None:
        """Expire an open session."""
        with self.changing() as account:
            sessions.expire(account, session)

    # Payments, refunds, disputes

    def pay_unknown(self, amount: int, currency: str = "usd") -> str:
        """Receive a card payment that no session of ours asked for; return its PaymentIntent."""
        with self.changing() as account:
            intent = charging.open_intent(account, amount=amount, currency=currency, metadata={}, description=None)
            made = charging.charge(account, intent, cards.CARDS["visa"], charging.Payer())
            charging.succeed(account, intent, made, received=amount)
            return str(intent["id"])

    def payments(self) -> list[Document]:
        """Return all charges, oldest first."""
        return self._every("charge")

    def refund_by_hand(self, payment_intent: str, amount: int | None = None) -> str:
        """Refund as a person does in the dashboard, without metadata; return the refund's id."""
        given = {"payment_intent": payment_intent} | ({} if amount is None else {"amount": amount})
        with self.changing() as account:
            return str(refunding.create(account, given)["id"])

    def refunds(self) -> list[Document]:
        """Return all refunds, oldest first."""
        return self._every(refunding.KIND)

    def move_refund(self, refund: str, status: str, *, failure_reason: str | None = None) -> None:
        """Give a refund any status, also late, also an unknown one."""
        with self.changing() as account:
            refunding.move(account, _found(account, refunding.KIND, refund), status, failure_reason=failure_reason)

    def open_dispute(
        self,
        payment_intent: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        status: str = "needs_response",
    ) -> str:
        """Dispute a payment, formally or (`warning_needs_response`) as an inquiry; return the dispute's id."""
        with self.changing() as account:
            charge = _charge(account, payment_intent)
            return str(disputing.open_on(account, charge, amount=amount, reason=reason, status=status)["id"])

    def move_dispute(self, dispute: str, status: str) -> None:
        """Give a dispute any status, also a reversed one (`lost` -> `won`), also an unknown one."""
        with self.changing() as account:
            disputing.move(account, _found(account, disputing.KIND, dispute), status)

    def disputes(self) -> list[Document]:
        """Return all disputes, oldest first."""
        return self._every(disputing.KIND)

    def warn_of_fraud(self, payment_intent: str, *, fraud_type: str = "made_with_stolen_card") -> str:
        """Raise an early fraud warning; return its id."""
        with self.changing() as account:
            return str(warning.warn(account, _charge(account, payment_intent), fraud_type=fraud_type)["id"])

    # Clock, balance, behavior

    def now(self) -> float:
        """Return the time by the sandbox's clock, in Unix seconds."""
        return self.account.store.now()

    def advance(self, seconds: float) -> None:
        """Put the clock forward; what falls due happens before this returns."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("the clock goes forward only")
        with self.changing() as account:
            account.store.advance(seconds)
            course.catch_up(account)

    def set_balance(self, available: int, currency: str = "usd") -> None:
        """Set the platform's balance in minor units; refunds that waited for money are sent as far as it reaches."""
        with self.changing() as account:
            account.store.set_balance(currency, available)
            refunding.send_waiting(account, currency)

    def balance(self, currency: str = "usd") -> int:
        """Return the platform's balance in minor units."""
        with self.account.store.transaction():
            return self.account.store.balance(currency)

    def set_refund_outcome(self, outcome: str) -> None:
        """Let refunds be answered "succeeded" (unless their card says otherwise) or "pending"."""
        if outcome not in _REFUND_OUTCOMES:
            raise ValueError("refund_outcome is succeeded or pending")
        with self.changing() as account:
            account.store.set_setting("refund_outcome", outcome)

    def fault(self, kind: str, **details: object) -> None:
        """Commit a fault, as `POST /_control/faults` does; see faults.Kind. Raises BadFault."""
        fault = faults.parse({"kind": kind, **details})
        self.faults.put(fault, fault.times)

    def clear_faults(self) -> None:
        """Forget every fault."""
        self.faults.clear()

    def reset(self) -> None:
        """Forget everything, as if newly started with the same seed: webhooks are "auto", the clock is right again.

        `answer_ms` and `late_seconds` stay.
        """
        with self.account.store.transaction():
            self.account.store.clear()
        self.courier.forget()
        self.faults.clear()

    # Webhooks

    def set_webhooks(self, mode: str) -> None:
        """Let events be delivered by themselves ("auto"), or wait until they are asked for ("manual")."""
        if mode not in _MODES:
            raise ValueError("mode is auto or manual")
        with self.changing() as account:
            account.store.set_setting("webhooks", mode)

    def queued(self) -> list[Delivery]:
        """Return the events that are still to be delivered, oldest first, each freshly signed."""
        with self.changing() as account:
            events = [account.store.get(number) for _, number in account.store.owed()]
        return [couriers.sign(event, self.webhook_secret) for event in events]

    def signed(self, event: str) -> Delivery:
        """Return any event freshly signed, delivered before or not."""
        with self.changing() as account:
            document = _found(account, "event", event)
        return couriers.sign(document, self.webhook_secret)

    def deliver(self, event: str, *, times: int = 1) -> list[int]:
        """Deliver an event now, in this thread; return the HTTP statuses, 0 where there was no answer."""
        with self.changing() as account:
            document = _found(account, "event", event)
        return [self.courier.deliver(document) for _ in range(times)]

    def drop(self, event: str) -> None:
        """Take an event from the queue: it is never delivered."""
        with self.changing() as account:
            _found(account, "event", event)
            account.store.strike_off(event)

    def announce(self, kind: str, number: str) -> str:
        """Make one more event of any type about an object as it stands, and return its id.

        Stripe now and then makes two events for one thing, and has types that we do not know.
        """
        with self.changing() as account:
            document = account.store.any(number)
            if document is None:
                raise errors.missing("object", number, param="object")
            return accounts.emit(account, kind, document)

    def events(self) -> list[Document]:
        """Return all events, oldest first."""
        return self._every("event")

    def _every(self, kind: str) -> list[Document]:
        with self.changing() as account:
            return account.store.page(kind, [], limit=10**9, after=None, before=None)[0][::-1]


def _found(account: Account, kind: str, number: str) -> Document:
    document = account.store.find(kind, number)
    if document is None:
        raise errors.missing(kind, number, param="id")
    return document


def _charge(account: Account, payment_intent: str) -> Document:
    number = _found(account, "payment_intent", payment_intent)["latest_charge"]
    return _found(account, "charge", number or payment_intent)
