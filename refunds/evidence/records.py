"""Read a case from our own records: payment, orders, reports, credits, letters, messages, and what went back."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from billing import tracing
from billing.models import Deposit, Dispute, FraudWarning, LegState, WithdrawalLeg
from billing.tracing import Paid
from orders.models import Order, OrderEvent
from panel.accounts.models import User
from panel.notifications import rendering
from panel.notifications.models import Email
from refunds import chargebacks, ports
from refunds.evidence import visits
from refunds.evidence.pack import compelling
from refunds.evidence.pack.case import (
    Case,
    Claim,
    Credit,
    Customer,
    Letter,
    Message,
    PaidBack,
    PaidOrder,
    Payment,
    Report,
    Terms,
)
from refunds.evidence.pack.compelling import Compelling, Made
from refunds.models import Decision
from refunds.policy import page

MOST_LETTERS: Final = 1_000
_WRITTEN_WITHIN: Final = timedelta(days=365)


def case_of(dispute: Dispute, *, at: datetime) -> Case:
    """Return the case of a dispute, as our records have it at this moment."""
    deposit, customer = dispute.deposit, dispute.customer
    log = visits.log(customer.pk, until=at)
    letters, older_letters = _letters(customer, at)
    return Case(
        panel=settings.PANEL_NAME,
        site=settings.SITE_URL,
        customer=Customer(name=customer.name, email=customer.email, joined_at=customer.date_joined),
        payment=_payment(deposit),
        claim=Claim(
            reference=dispute.reference,
            amount=dispute.amount,
            currency=dispute.currency,
            reason=dispute.reason,
            reason_code=dispute.reason_code,
            opened_at=dispute.opened_at,
            contacted=dispute.contacted,
            contact=dispute.contact_note,
        ),
        terms=_terms(deposit),
        orders=_orders(tracing.orders_of_deposit(deposit.pk, customer_id=customer.pk)),
        visits=log.visits,
        letters=letters,
        messages=_messages(deposit, at),
        paid_back=_paid_back(deposit),
        older_visits=log.older,
        older_letters=older_letters,
    )


def earlier_payments(dispute: Dispute) -> Compelling:
    """Return the customer's earlier payments, and which of them could serve as compelling evidence."""
    paid = list(
        Deposit.objects.filter(customer_id=dispute.customer_id, paid_at__lte=dispute.deposit.paid_at).order_by("pk")
    )
    disputed = set(Dispute.objects.filter(customer_id=dispute.customer_id).values_list("deposit_id", flat=True))
    warned = set(FraudWarning.objects.filter(deposit__in=paid).values_list("deposit_id", flat=True))
    origins = visits.paid_from(paid)
    email = dispute.customer.email
    made = {
        deposit.pk: Made(
            number=deposit.pk,
            paid_at=deposit.paid_at or deposit.created_at,
            undisputed=deposit.pk not in disputed | warned,
            account=deposit.customer_id,
            email=email,
            method=origins[deposit.pk].method,
            address=origins[deposit.pk].address,
            device=origins[deposit.pk].device,
        )
        for deposit in paid
    }
    return compelling.find(
        made[dispute.deposit_id],
        made.values(),
        opened_at=dispute.opened_at,
        reason_code=dispute.reason_code,
    )


def _payment(deposit: Deposit) -> Payment:
    return Payment(
        number=deposit.pk,
        reference=deposit.payment_reference or "",
        amount=deposit.amount,
        currency=deposit.currency,
        method=deposit.method,
        opened_at=deposit.created_at,
        paid_at=deposit.paid_at or deposit.created_at,
        address=visits.paid_from([deposit])[deposit.pk].address,
    )


def _terms(deposit: Deposit) -> Terms:
    version = chargebacks.policy_of(deposit)
    shown = page.build(
        version.policy, panel=settings.PANEL_NAME, currency=settings.PANEL_CURRENCY, email=settings.SUPPORT_EMAIL
    )
    first = (shown.title, (shown.summary, *shown.introduction))
    sections = [(section.title, (*section.paragraphs, *section.points, *section.steps)) for section in shown.sections]
    return Terms(
        title=shown.title,
        number=version.number,
        digest=version.hash,
        in_force_since=version.effective_from,
        shown=deposit.policy_version is not None,
        sections=(first, *sections),
    )


def _orders(paid: Iterable[Paid]) -> tuple[PaidOrder, ...]:
    shares = {share.order_ref: share for share in paid}
    found = {order.pk: order for order in Order.objects.numbered(shares)}
    reports: dict[int, list[Report]] = defaultdict(list)
    for event in OrderEvent.objects.filter(order__in=found).exclude(from_status="").order_by("pk"):
        reports[event.order_id].append(
            Report(
                at=event.at,
                status=event.get_to_status_display(),
                words=event.raw_status,
                by=event.get_initiator_display(),
                remains=event.remains,
            )
        )
    credited: dict[int, list[Credit]] = defaultdict(list)
    for decision in Decision.objects.filter(order__in=found, credited__gt=0).order_by("pk"):
        credit = Credit(at=decision.at, amount=decision.credited, words=decision.sentence)
        credited[decision.order_id].append(credit)
    return tuple(
        PaidOrder(
            number=order.pk,
            service=order.service_name,
            link=order.link,
            quantity=order.quantity,
            charge=order.charge,
            from_payment=share.amount,
            returned=share.returned,
            status=order.get_status_display(),
            placed_at=order.placed_at,
            final_at=order.final_at,
            address=order.placed_from or "",
            through=visits.through(order),
            start_count=order.start_count,
            delivered=order.delivered,
            reports=tuple(reports[order.pk]),
            credits=tuple(credited[order.pk]),
        )
        for share in shares.values()
        if (order := found.get(share.order_ref)) is not None
    )


def _letters(customer: User, at: datetime) -> tuple[tuple[Letter, ...], int]:
    """Return the newest letters, oldest first, and how many there are before them."""
    written = Email.objects.filter(customer=customer, created_at__lte=at)
    newest = list(written.order_by("-id")[:MOST_LETTERS])[::-1]
    letters = tuple(
        Letter(at=email.created_at, subject=rendering.subject(email), sent_at=email.sent_at) for email in newest
    )
    return letters, written.count() - len(letters)


def _messages(deposit: Deposit, at: datetime) -> tuple[Message, ...]:
    """Return what was written from the year before the payment on."""
    since = deposit.created_at - _WRITTEN_WITHIN
    said = ports.conversations().with_customer(deposit.customer_id, since=since, until=at)
    return tuple(
        Message(at=one.at, by_customer=one.by_customer, about=one.about, text=one.text)
        for one in sorted(said, key=lambda one: one.at)
    )


def _paid_back(deposit: Deposit) -> tuple[PaidBack, ...]:
    legs = WithdrawalLeg.objects.filter(deposit=deposit, state=LegState.PAID).order_by("paid_at", "pk")
    return tuple(
        PaidBack(at=leg.paid_at, amount=leg.amount, bank_reference=leg.bank_reference)
        for leg in legs
        if leg.paid_at is not None
    )
