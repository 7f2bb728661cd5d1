"""Disputes in any order of events, repeated and lost ones among them, end in the same books."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billing import debts, dispute_booking, gateways
from billing.dispute_booking import Booked, Subject
from billing.gateways.base import DisputeReport, DisputeStanding
from billing.ledger import Wallet
from billing.models import Account, Deposit, Dispute, Standing
from billing.models.dispute import FORMAL
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.kernel import money
from panel.sandbox.payments import PaymentsSandbox
from panel.webhooks import HANDLERS
from refunds import audit
from tests.billing.money import clearing
from tests.factories import fund, make_customer, make_service, move, pay_in, place_order, take_in

STATUSES = (
    "needs_response", "under_review", "won", "lost", "warning_needs_response", "warning_under_review",
    "warning_closed", "prevented", "appeal_needs_response", "appeal_under_review", "of_a_kind_to_come",
)  # fmt: skip
CENTS = st.integers(1, 9000)
AMOUNTS = CENTS.map(lambda cents: money.exact(Decimal(cents) / 100))
ZERO = money.ZERO


REPORTS = st.builds(
    lambda standing, amount, withdrawn, reinstated, gave_last, fee: DisputeReport(
        reference="du_1", payment_reference="pi_1", standing=standing, status=standing.value, amount=amount,
        currency="USD", withdrawn=withdrawn, reinstated=reinstated, gave_last=gave_last, fee=fee,
        reason="fraudulent", reason_code="10.4", is_appeal=False, due_by=None, has_evidence=False,
        submissions=0, opened_at=datetime(2026, 11, 1, tzinfo=UTC),
    ),
    standing=st.sampled_from(DisputeStanding),
    amount=AMOUNTS,
    withdrawn=AMOUNTS | st.just(ZERO),
    reinstated=AMOUNTS | st.just(ZERO),
    gave_last=st.booleans(),
    fee=AMOUNTS | st.just(ZERO) | st.none(),
)  # fmt: skip


def applied(wallet: Wallet, steps: list[tuple[Booked, Booked]]) -> dict[int, Decimal]:
    """Run the transfers of these steps over a wallet, refusing what the database would; return the balances."""
    found = {1: ZERO, wallet.available_id: wallet.available, wallet.held_id: wallet.held, wallet.debt_id: wallet.debt}
    for number, (before, after) in enumerate(steps):
        now = replace(
            wallet, available=found[wallet.available_id], held=found[wallet.held_id], debt=found[wallet.debt_id]
        )
        moved = dispute_booking.transfers(before, after, now, Subject(f"dispute:1:{number}", 9, 1, clearing=6))
        assert len({one.key for one in moved}) == len(moved)
        for one in moved:
            assert one.amount > 0
            found[one.debit] = found.get(one.debit, ZERO) - one.amount
            found[one.credit] = found.get(one.credit, ZERO) + one.amount
        assert found[wallet.available_id] >= 0
        assert found[wallet.held_id] >= 0
        assert found[wallet.debt_id] <= 0
    return {account: balance for account, balance in found.items() if balance or account > 1000}


@given(
    available=AMOUNTS | st.just(ZERO),
    owed=AMOUNTS | st.just(ZERO),
    held=AMOUNTS | st.just(ZERO),
    passes_fee_on=st.booleans(),
    way=st.lists(REPORTS, max_size=6),
    last=REPORTS,
)
def test_the_books_follow_from_the_last_report_alone(
    *, available: Decimal, owed: Decimal, held: Decimal, passes_fee_on: bool, way: list[DisputeReport],
    last: DisputeReport,
) -> None:  # fmt: skip
    # Whoever has money owes nothing: every credit pays debt first (billing.debts).
    wallet = Wallet(1001, available if not owed else ZERO, 1002, held, 1003, ZERO, 1004, -owed)
    booked = [Booked(), *(dispute_booking.due(one, passes_fee_on=passes_fee_on) for one in [*way, last])]

    by_the_way = applied(wallet, list(pairwise(booked)))
    straight = applied(wallet, [(booked[0], booked[-1])])

    assert by_the_way == straight
    assert straight[1002] == held + booked[-1].secured
    assert debts.owed(replace(wallet, debt=straight[1004])) == 0 or straight[1001] == 0


def test_every_event_of_a_dispute_is_listened_to() -> None:
    names = ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    assert {f"charge.dispute.{name}" for name in names} <= set(HANDLERS)


def own(customer: User) -> dict[str, Decimal]:
    rows = Account.objects.filter(customer=customer).values_list("kind", "balance")
    return {kind: balance or ZERO for kind, balance in rows}


def books(customer: User, deposit: Deposit) -> tuple[object, ...]:
    deposit.refresh_from_db()
    customer.refresh_from_db()
    rows = Dispute.objects.filter(customer=customer).order_by("reference")
    return (
        own(customer),
        clearing(),
        deposit.disputed,
        [(row.standing, row.secured, row.lost, row.fee, row.suspends, row.bans) for row in rows],
        (customer.is_suspended, customer.suspension_cause, customer.suspension_reason),
        sum(row.events.count() for row in rows),
    )


COURSE = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 1), st.sampled_from(STATUSES)),
        st.tuples(st.just("learn"), st.integers(0, 1), st.just("")),
        st.tuples(st.just("fund"), st.integers(1, 40), st.just("")),
    ),
    max_size=10,
)
"""What happens between the opening and the end. A move that nobody learns of is a lost event."""


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    opened=st.lists(st.tuples(CENTS, st.sampled_from(STATUSES)), min_size=1, max_size=2),
    spent=st.integers(0, 50),
    course=COURSE,
    order=st.integers(0, 1000),
)
@example(
    opened=[(5000, "needs_response")], spent=30, order=0,
    course=[("learn", 0, ""), ("move", 0, "lost"), ("learn", 0, ""), ("fund", 20, ""), ("move", 0, "won")],
)  # fmt: skip
def test_any_order_of_the_same_events_ends_in_the_same_books(
    payments: PaymentsSandbox,
    opened: list[tuple[int, str]],
    spent: int,
    course: list[tuple[str, int, str]],
    order: int,
) -> None:
    """Where books end follows from what the gateway says in the end, whatever was learned of on the way and when."""
    ada = make_customer()
    before = Decimal(clearing().replace(",", ""))
    deposit = pay_in(ada, payments, "50")
    if spent:
        move(place_order(ada, make_service(rate=str(spent)), quantity=1000), OrderStatus.COMPLETED, remains=0)
    assert deposit.payment_reference
    references = [
        payments.open_dispute(deposit.payment_reference, amount=cents, status=status) for cents, status in opened
    ]
    funded = 0
    for what, number, status in course:
        if what == "move":
            payments.move_dispute(references[number % len(references)], status)
        elif what == "learn":
            take_in(references[number % len(references)])
        else:
            fund(ada, str(number))
            funded += number
    last = [*references, *references]
    Random(order).shuffle(last)  # noqa: S311 - the order of events, no secret
    for reference in last:
        take_in(reference)

    due = [
        dispute_booking.due(gateways.get("stripe").fetch_dispute(reference), passes_fee_on=True)
        for reference in references
    ]
    rows = [Dispute.objects.get(reference=reference) for reference in references]
    assert [Booked(row.secured, row.lost, row.fee) for row in rows] == due
    found = own(ada)
    taken = sum((one.taken + one.fee for one in due), ZERO)
    left = 50 - spent + funded - taken
    assert (found["available"], found.get("debt", ZERO)) == (max(left, ZERO), min(left, ZERO))
    assert found.get("held", ZERO) == sum((one.secured for one in due), ZERO)
    assert Decimal(clearing().replace(",", "")) == before + 50 - sum((one.lost for one in due), ZERO)
    deposit.refresh_from_db()
    assert deposit.disputed == min(sum((one.taken for one in due), ZERO), deposit.amount)
    standings = {Standing(row.standing) for row in rows}
    ada.refresh_from_db()
    if standings & {*FORMAL, Standing.LOST}:
        assert ada.is_suspended
    elif standings <= {Standing.WON, Standing.CLOSED}:
        assert not ada.is_suspended
    assert audit.findings() == []

    there = books(ada, deposit)
    take_in(references[0])
    assert books(ada, deposit) == there
