"""Cases of Ada's, who paid fifty dollars, ordered twice and disputed the payment."""

from datetime import timedelta
from decimal import Decimal

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
    Visit,
)
from tests.factories.orders import AT

HOUR = timedelta(hours=1)

DELIVERED = PaidOrder(
    number=11,
    service="Newsletter spot",
    link="https://example.com/launch",
    quantity=1000,
    charge=Decimal("30.000000"),
    from_payment=Decimal("30.000000"),
    returned=Decimal("0.000000"),
    status="Completed",
    placed_at=AT + HOUR,
    final_at=AT + 5 * HOUR,
    address="203.0.113.9",
    through="the website",
    start_count=5,
    delivered=1000,
    reports=(
        Report(at=AT + 2 * HOUR, status="In progress", words="In progress", by="Provider", remains=1000),
        Report(at=AT + 5 * HOUR, status="Completed", words="Completed", by="Provider", remains=0),
    ),
    credits=(),
)
IN_PART = PaidOrder(
    number=12,
    service="Promoted reach",
    link="https://example.com/песня",
    quantity=1000,
    charge=Decimal("40.000000"),
    from_payment=Decimal("20.000000"),
    returned=Decimal("8.000000"),
    status="Partial",
    placed_at=AT + 2 * HOUR,
    final_at=AT + 50 * HOUR,
    address="",
    through="",
    start_count=None,
    delivered=600,
    reports=(),
    credits=(Credit(at=AT + 50 * HOUR, amount=Decimal("16.000000"), words="What was not delivered is credited."),),
)
CASE = Case(
    panel="Makegood",
    site="https://panel.example.com",
    customer=Customer(name="Ada", email="ada@example.com", joined_at=AT - 900 * HOUR),
    payment=Payment(
        number=3,
        reference="pi_1",
        amount=Decimal("50.000000"),
        currency="USD",
        method="Visa ending in 4242",
        opened_at=AT,
        paid_at=AT,
        address="203.0.113.9",
    ),
    claim=Claim(
        reference="du_1",
        amount=Decimal("50.000000"),
        currency="USD",
        reason="fraudulent",
        reason_code="10.4",
        opened_at=AT + 100 * HOUR,
        contacted=False,
        contact="Nothing was written to us about the payment or its orders before.",
    ),
    terms=Terms(
        title="Refund policy",
        number=2,
        digest="ab" * 32,
        in_force_since=AT - 1000 * HOUR,
        shown=True,
        sections=(("What is refunded", ("What was not delivered is refunded.",)),),
    ),
    orders=(DELIVERED, IN_PART),
    visits=(Visit(at=AT, what="signed in", address="203.0.113.9", device="Firefox"),),
    letters=(Letter(at=AT, subject="We received 50.00 USD", sent_at=AT),),
    messages=(Message(at=AT + HOUR, by_customer=True, about="Start", text="When does it begin?\nThanks"),),
    paid_back=(PaidBack(at=AT + 60 * HOUR, amount=Decimal("5.000000"), bank_reference="ARN 74"),),
)
