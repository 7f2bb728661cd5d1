"""One e-mail of each kind beside those about money, with every optional part said."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from panel.accounts.models import User
from panel.notifications import account_letters, policy_letters, refund_letters, staff_letters, ticket_letters
from panel.notifications.outbox import NewEmail
from tests.notifications import letters
from tests.notifications.letters import AT

DAY = timedelta(days=1)
SENTENCE = (
    "3.00 USD was credited to your balance for 300 of 1,000 units that were not delivered, because it ended early."
)


def of_every_kind(customer: User) -> list[NewEmail]:
    """One of each template there is."""
    return [*letters.every(customer), *about_refunds(customer), *about_accounts(customer), *others(customer)]


def about_refunds(customer: User) -> list[NewEmail]:
    request: dict[str, Any] = {
        "customer": customer,
        "request_number": 5,
        "order_number": 12,
        "url": "/orders/12/refund/5/",
    }
    due: dict[str, Any] = {"sentence": "3.00 USD: a person looks at it.", "due_from": AT + DAY, "due_at": AT + 2 * DAY}
    return [
        refund_letters.request_received(**request, **due, cause="It takes too long", proposal=Decimal(3)),
        refund_letters.refund_in_review(**request, **due),
        refund_letters.request_question(**request, question_number=31, text="Which link?\nThe first or the second?"),
        refund_letters.request_approved(
            **request, amount=Decimal(3), why="It took too long.", balance=Decimal("40.5"), promo_balance=Decimal(1)
        ),
        refund_letters.request_declined(
            **request, reason="The order was completed.", note="We checked the page.", support_url="/support/new/"
        ),
        refunded(customer, 21),
    ]


def refunded(customer: User, number: int, *, promo: str | None = "1") -> NewEmail:
    """A settlement of this many orders, numbered from 100."""
    return refund_letters.order_refunded(
        customer=customer,
        key="decision:9:refunded",
        orders=[(100 + place, SENTENCE) for place in range(number)],
        total=Decimal(3) * number,
        balance=Decimal("1240.5"),
        promo_balance=None if promo is None else Decimal(promo),
        url="/orders/",
    )


def about_accounts(customer: User) -> list[NewEmail]:
    return [
        account_letters.account_suspended(customer=customer, reason="A payment is disputed.", at=AT, url="/balance/"),
        account_letters.suspension_lifted(customer=customer, suspended_at=AT, url="/balance/"),
    ]


def digest(staff: User, **changes: Any) -> NewEmail:
    given: dict[str, Any] = {
        "staff": staff,
        "day": date(2026, 11, 20),
        "overdue": 2,
        "due_soon": 3,
        "lines": ["9 refund requests are open.", "1 refund waits for a second person."],
        "urgent": [("Refund request 5, order 12, overdue", "/admin/refunds/refundrequest/5/change/")],
        "url": "/admin/refunds/refundrequest/",
    }
    return staff_letters.staff_digest(**{**given, **changes})


def others(customer: User) -> list[NewEmail]:
    ticket: dict[str, Any] = {
        "customer": customer,
        "ticket_number": 4,
        "subject": "My link",
        "text": "Please change it.",
    }
    return [
        digest(customer),
        staff_letters.dispute_due(
            staff=customer,
            dispute=6,
            claim="50.00 USD",
            respond_by=AT + DAY,
            hours=24,
            state="Evidence 1 is staged, and not submitted.",
            url="/admin/refunds/disputeevidence/of/6/",
        ),
        policy_letters.policy_changes(
            customer=customer,
            version_number=9,
            title="Money-back guarantee",
            summary="Claims are taken for 72 hours.",
            effective_from=AT,
            page_url="/refund-policy/",
            changes_url="/refund-policy/9/changes/",
        ),
        policy_letters.policy_withdrawn(
            customer=customer, version_number=9, title="Money-back guarantee", page_url="/refund-policy/"
        ),
        ticket_letters.ticket_received(**ticket, answer_by=AT, url="/support/4/"),
        ticket_letters.ticket_answered(**ticket, message_number=6, url="/support/4/"),
    ]
