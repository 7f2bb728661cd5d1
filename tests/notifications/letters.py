"""E-mails to try things with."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from panel.accounts.models import User
from panel.notifications import letters, outbox
from panel.notifications.models import Email
from panel.notifications.outbox import NewEmail

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VISA = "Visa ending in 4242"


def receipt(customer: User, number: int = 12, *, amount: str = "50") -> NewEmail:
    return letters.deposit_receipt(
        customer=customer,
        deposit_number=number,
        amount=Decimal(amount),
        asked=Decimal(50),
        method=VISA,
        paid_at=AT,
        balance_url="/balance/",
    )


def unknown(customer: User, number: int = 1) -> NewEmail:
    """An e-mail whose template does not exist."""
    return NewEmail(key=f"odd:{number}", to=customer.email, customer_id=customer.pk, template="no_such", context={})


def put(*emails: NewEmail, at: datetime = AT) -> list[Email]:
    """Commit e-mails; return their rows in the same order."""
    with transaction.atomic():
        outbox.put(emails, at=at)
    return [Email.objects.get(key=email.key) for email in emails]


def every(customer: User) -> list[NewEmail]:
    """One of each kind, with every optional part said."""
    amount, friday = Decimal("1234.5"), date(2026, 11, 27)
    page: dict[str, Any] = {
        "customer": customer,
        "withdrawal_number": 7,
        "amount": amount,
        "url": "/balance/withdraw/7/",
    }
    return [
        receipt(customer, amount="1234.5"),
        letters.deposit_failed(
            customer=customer,
            deposit_number=13,
            amount=amount,
            method=VISA,
            reason="The bank refused it.",
            add_url="/balance/add/",
        ),
        letters.withdrawal_scheduled(
            customer=customer,
            withdrawal_number=7,
            url="/balance/withdraw/7/",
            parts=[(Decimal(1000), VISA), (Decimal("234.5"), "Mastercard ending in 4444")],
            send_by=friday,
            bank_by=date(2026, 12, 11),
            arranged=Decimal(5),
            cancel_until=AT,
        ),
        letters.withdrawal_arranging(**page, reason="The card has expired."),
        letters.withdrawal_in_review(**page, reason="It is a large amount.", send_by=friday, arranged=Decimal(0)),
        letters.withdrawal_declined(**page, reason="The payment is under dispute."),
        letters.withdrawal_canceled(**page),
        letters.withdrawal_paid(
            **page,
            parts=[
                (Decimal(1000), VISA, "74537604221431003881"),
                (Decimal("234.5"), "bank account ending in 3000", ""),
            ],
            returned=Decimal("2.5"),
            bank_by=date(2026, 12, 11),
        ),
        letters.withdrawal_failed(
            **page, leg=2, method=VISA, reason="The card has expired.", way_out="/balance/withdraw/"
        ),
        letters.alternative_proposed(**page, leg=2, destination="bank account ending in 3000"),
    ]
