"""The demo's withdrawals: paid, failed late, scheduled, in review, arranged, carried out by hand; and a refund by hand.

Each story is a few moments, days apart, which `history` lives through between the orders. A moment that was lived
through before changes nothing, so a load that was cut off can go on. Where the policy refuses withdrawals there are
none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from billing import arrangements, gateway_refunds
from billing.models import Arrangement, GatewaySlug, LegState, Origin, PayoutKind, Withdrawal
from billing.sending import calls, claims, outcomes
from panel.accounts.models import User
from panel.demo import paying_in
from panel.demo.till import Till
from refunds import balance_refunds

CLOSED: Final = "closed_card"
WORKING: Final = "visa"
# From the request until it was sent; later than the longest time in which a customer can take it back in the demo.
_SENT_AFTER: Final = timedelta(hours=26)
_BACK_AFTER: Final = timedelta(days=4)
_TWICE: Final = Decimal(25)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who is there, by role, and where they pay."""

    users: Mapping[str, User]
    till: Till


@dataclass(frozen=True, slots=True)
class Moment:
    """Something of the past; `live` is given the moment's time."""

    at: datetime
    live: Callable[[datetime], object]


def moments(stage: Stage, *, now: datetime) -> list[Moment]:
    """Return the moments of all stories, in no particular order."""
    return [
        Moment(now - before, partial(live, stage))
        for story in (_ada(), _ben(), _chloe(), _farah())
        for before, live in story
    ]


Story = list[tuple[timedelta, Callable[[Stage, datetime], object]]]


def _days(number: float) -> timedelta:
    return timedelta(days=number)


def _ada() -> Story:
    """The customer who signs in: everything that can become of a withdrawal to a card."""
    ada = "customer"
    return [
        (_days(60), partial(_pay, ada, Decimal(150), CLOSED, "ada-joins")),
        *_bounced(ada, Decimal(45), "ada-1", asked=_days(50)),
        *_sent(ada, Decimal(45), "ada-2", asked=_days(42)),
        (_days(15), partial(_pay, ada, _TWICE, "mastercard", "ada-once")),
        (_days(15), partial(_pay, ada, _TWICE, "mastercard", "ada-twice")),
        (_days(14), partial(_refund_by_hand, ada, "ada-twice")),
        (timedelta(hours=7), partial(_ask, ada, Decimal(240), "ada-3")),
        (timedelta(hours=2), partial(_ask, ada, Decimal(25), "ada-4")),
    ]


def _ben() -> Story:
    """The second customer, whose only card was closed: he is asked to agree to another way."""
    ben, amount = "second_customer", Decimal(60)
    return [
        *_bounced(ben, amount, "ben-1", asked=_days(20)),
        (_days(4), partial(_ask, ben, amount, "ben-2")),
        (_days(3), partial(_propose, "ben-2")),
    ]


def _chloe() -> Story:
    """A customer whose only card was closed, and who waits for support."""
    chloe, amount = "stranded_customer", Decimal(80)
    return [
        (_days(20), partial(_pay, chloe, Decimal(120), CLOSED, "chloe-joins")),
        *_bounced(chloe, amount, "chloe-1", asked=_days(9)),
        (timedelta(hours=20), partial(_ask, chloe, amount, "chloe-2")),
    ]


def _farah() -> Story:
    """A customer who pays by bank transfer: staff record what arrives and send by hand what goes back."""
    farah = "bank_customer"
    return [
        (_days(18), partial(_receive, farah, Decimal(300), "INV-2041 Aziz")),
        (timedelta(hours=32), partial(_ask, farah, Decimal(120), "farah-1")),
        (timedelta(hours=32) - _SENT_AFTER, partial(_send, "farah-1")),
    ]


def _sent(role: str, amount: Decimal, name: str, *, asked: timedelta) -> Story:
    return [(asked, partial(_ask, role, amount, name)), (asked - _SENT_AFTER, partial(_send, name))]


def _bounced(role: str, amount: Decimal, name: str, *, asked: timedelta) -> Story:
    return [*_sent(role, amount, name, asked=asked), (asked - _BACK_AFTER, partial(_bounce, name))]


def _pay(role: str, amount: Decimal, card: str, name: str, stage: Stage, at: datetime) -> None:
    paying_in.by_card(customer=stage.users[role], amount=amount, card=card, name=name, till=stage.till, at=at)


def _receive(role: str, amount: Decimal, reference: str, stage: Stage, at: datetime) -> None:
    paying_in.by_bank(
        customer=stage.users[role],
        amount=amount,
        reference=reference,
        sender="DE89 3704 0044 0532 0130 00, F. Aziz",
        staff=stage.users["staff"],
        at=at,
    )


def _ask(role: str, amount: Decimal, name: str, stage: Stage, at: datetime) -> None:
    """Ask for a part of the balance, as on the page: look at the plan, and confirm it."""
    if _find(name) is not None:
        return
    customer = stage.users[role]
    name_of_deposit = f"before-{name}"
    paying_in.top_up(customer=customer, needed=amount, card=WORKING, name=name_of_deposit, till=stage.till, at=at)
    try:
        quote = balance_refunds.quote(customer=customer, amount=amount, at=at)
    except balance_refunds.NotAllowed:
        return
    balance_refunds.request(
        customer=customer, amount=amount, key=paying_in.key(name), confirmed=quote.plan.digest, at=at
    )


def _send(name: str, _stage: Stage, at: datetime) -> None:
    withdrawal = _find(name)
    if withdrawal is None or withdrawal.send_at > at:
        return
    outcomes.record(calls.carry_out(claims.claim_now(withdrawal_ids=[withdrawal.pk], at=at)), at=at)


def _bounce(name: str, stage: Stage, at: datetime) -> None:
    """Let the bank send the money back, days after it was sent."""
    withdrawal = _find(name)
    for leg in withdrawal.legs.filter(state=LegState.PAID) if withdrawal else ():
        reference = leg.reference or ""  # a paid one has it
        stage.till.send_back(reference)
        gateway_refunds.refresh(reference, gateway=leg.gateway, at=at)


def _propose(name: str, stage: Stage, at: datetime) -> None:
    for arrangement in Arrangement.objects.filter(leg__withdrawal__key=paying_in.key(name), proposed_at=None):
        arrangements.propose(
            arrangement_id=arrangement.pk,
            kind=PayoutKind.BANK,
            destination="GB29 NWBK 6016 1331 9268 19, Ben Okafor",
            verification="Video call: his passport, and the statement of the closed card in the same name.",
            staff=stage.users["staff"],
            at=at,
        )


def _refund_by_hand(role: str, name: str, stage: Stage, at: datetime) -> None:
    """Give back what was paid twice, in the gateway's dashboard; the panel hears of it and books it."""
    payment = paying_in.paid(name).payment_reference or ""  # a paid one has it
    slug = GatewaySlug.STRIPE.value
    gateway_refunds.refresh_payment(payment, gateway=slug, at=at)  # what a load that was cut off has done
    if not Withdrawal.objects.filter(customer=stage.users[role], origin=Origin.GATEWAY).exists():
        stage.till.refund_by_hand(payment)
        gateway_refunds.refresh_payment(payment, gateway=slug, at=at)


def _find(name: str) -> Withdrawal | None:
    found: Withdrawal | None = Withdrawal.objects.filter(key=paying_in.key(name)).first()
    return found
