"""Money in every state, for pages that must open whatever they show."""

from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

from PIL import Image

from billing import arrangements, payouts, withdrawals
from billing.gateways.base import OutcomeUnknown
from billing.models import (
    Arrangement,
    Deposit,
    DepositState,
    Discrepancy,
    EventState,
    GatewayEvent,
    GatewaySlug,
    Payout,
    PayoutKind,
    Problem,
    Withdrawal,
)
from billing.sending import calls, claims, outcomes
from billing.sending.calls import Outcome
from orders import handling
from orders.models import Cause
from panel.accounts.models import CustomerGroup, User
from panel.support import answering, refunding
from panel.support.models import SavedReply
from refunds import drafting, publishing
from refunds.backtesting import running, runs
from refunds.backtesting.results import Result
from refunds.desk import referring, talking
from refunds.models import BacktestState, DraftState, PolicyBacktest, PolicyDraft, RefundRequest, RequestState
from refunds.uploads import Upload
from tests.factories import (
    AT,
    HOUR,
    desk,
    make_customer,
    make_service,
    make_staff,
    place_order,
    policies,
    receive_by_hand,
    withdraw,
)
from tests.support import asking

LATER = AT + HOUR


def _picture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (2, 2), "red").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = Upload("screen.png", _picture())


def begin(withdrawal: Withdrawal, at: datetime = LATER) -> None:
    """Send what is due of one withdrawal; by hand, that leaves a payout for staff to carry out."""
    outcomes.record(calls.carry_out(claims.claim_now(withdrawal_ids=[withdrawal.pk], at=at)), at=at)


def lose_sight(withdrawal: Withdrawal, at: datetime = LATER) -> None:
    """Have the gateway's answer about one withdrawal lost."""
    claimed = claims.claim_now(withdrawal_ids=[withdrawal.pk], at=at)
    outcomes.record([Outcome(claim, OutcomeUnknown("The connection dropped.")) for claim in claimed], at=at)


def payout_of(withdrawal: Withdrawal) -> Payout:
    """Return the payout that the sending of a withdrawal left."""
    return Payout.objects.get(leg__in=withdrawal.legs.values("pk"))


def waiting_payout(customer: User, amount: str = "20") -> Payout:
    """Return a payout that waits to be carried out, for a customer who has money from a deposit by hand."""
    withdrawal = withdraw(customer, amount)
    begin(withdrawal)
    return payout_of(withdrawal)


def case_of(customer: User, amount: str = "20") -> Arrangement:
    """Return an open case: the customer's balance came from no deposit."""
    return Arrangement.objects.get(leg__withdrawal=withdraw(customer, amount))


def make_event(state: EventState, number: int = 1) -> GatewayEvent:
    """Store an event as if it had come and been handled."""
    return GatewayEvent.objects.create(
        gateway=GatewaySlug.STRIPE,
        event=f"evt_{state}_{number}",
        type="refund.updated",
        object=f"re_{number}",
        payload='{"id": "evt_1", "data": {"object": {"status": "<b>failed</b>"}}}',
        created_at=AT,
        received_at=AT,
        waiting_since=AT,
        state=state,
        due_at=AT + timedelta(days=3650) if state == EventState.WAITING else None,
        error="No such refund." if state == EventState.FAILED else "",
    )


def make_discrepancy(reference: str, *, resolved_at: datetime | None = None) -> Discrepancy:
    """List a difference as reconciliation does."""
    return Discrepancy.objects.create(
        gateway=GatewaySlug.STRIPE,
        problem=Problem.UNKNOWN_REFUND,
        reference=reference,
        description="A refund that no withdrawal made.",
        amount=Decimal(20),
        first_seen_at=AT,
        last_seen_at=AT,
        resolved_at=resolved_at,
    )


def furnish_money(number: int) -> None:
    """Make deposits, withdrawals, cases, payouts, events and discrepancies in every state."""
    staff, ada, grace = make_staff(), make_customer("ada"), make_customer("grace", funds="200")
    receive_by_hand(ada, "1000", staff=staff)
    for state in set(DepositState) - {DepositState.PAID}:
        Deposit.objects.create(
            customer=ada, gateway=GatewaySlug.STRIPE, state=state, asked=50, currency="USD", created_at=AT
        )
    withdraw(ada, "10")
    withdraw(ada, "250")
    withdrawals.decline(withdrawal_id=withdraw(ada, "250").pk, staff=staff, reason="Not yours.", at=AT)
    withdrawals.approve(withdrawal_id=withdraw(ada, "250").pk, staff=staff, at=AT)
    withdrawals.cancel(withdrawal_id=withdraw(ada, "10").pk, customer=ada, at=AT)
    lose_sight(withdraw(ada, "10"))
    waiting_payout(ada, "10")
    payouts.confirm(payout_id=waiting_payout(ada, "10").pk, bank_reference="bank-1", staff=staff, at=LATER)
    payouts.fail(payout_id=waiting_payout(ada, "10").pk, reason="Closed.", staff=staff, at=LATER)
    case_of(grace, "10")
    proposed, agreed, put_back = (case_of(grace, "10") for _ in range(3))
    for case in (proposed, agreed):
        arrangements.propose(
            arrangement_id=case.pk, kind=PayoutKind.BANK, destination="DE1", verification="By ID", staff=staff, at=AT
        )
    arrangements.record_consent(
        arrangement_id=agreed.pk, way="Bank transfer: DE1", note="By e-mail", staff=staff, at=AT
    )
    arrangements.give_up(arrangement_id=put_back.pk, actor=staff, at=AT)
    for outcome in EventState:
        make_event(outcome, number)
    make_discrepancy(f"re_{number}")
    make_discrepancy(f"re_{number}", resolved_at=AT)


def furnish_support(number: int) -> None:
    """Make a ticket in every state, with messages of every kind, and a saved reply."""
    ada, grace = make_customer("ada", funds="50"), make_staff("grace")
    order = place_order(ada, make_service())
    waiting, answered, closed = (asking.ask(ada, order_id=order.pk) for _ in range(3))
    answering.note(ticket_id=waiting.pk, staff=grace, text="Asked the provider.", at=AT)
    asking.answer(answered, grace)
    asking.close(closed, grace)
    refunding.turn_into_request(ticket_id=answered.pk, order_id=None, cause=Cause.CHANGE_OF_MIND, staff=grace, at=AT)
    SavedReply.objects.create(title=f"Reply {number}", text="Hello {name}")


def furnish_desk() -> None:
    """Make a refund request in every state: asked by a customer, by staff, by the policy; to confirm, urgent, asked."""
    staff, other = make_staff("grace"), make_staff("hopper")
    waiting, confirming = desk.order_in_review(), desk.order_in_review()
    talking.claim(request_id=waiting.pk, staff=staff, at=AT)
    talking.ask(request_id=waiting.pk, staff=staff, question="Which <b>link</b>?", at=AT)
    desk.approve(confirming, staff, "2", note="<b>half</b>")
    running = desk.ask_for_refund(desk.started(remains=400), description="<b>slow</b>\nvery", files=(PICTURE,))
    talking.expedite(request_id=running.pk, customer=running.customer, reason="A <b>fair</b>", at=AT)
    referring.refer(request_id=running.pk, staff=staff, note="Are they at it?", at=AT)
    desk.approve(desk.order_in_review(), staff)
    desk.confirm(desk.approve(desk.order_in_review(), staff, "2"), other)
    desk.decline(desk.order_in_review(), staff)
    desk.withdraw(desk.ask_for_refund(desk.started()))
    desk.ask_for_refund(desk.started(), cause=Cause.CHANGE_OF_MIND)
    superseded = desk.order_in_review()
    handling.set_partial(order_id=superseded.order_id, remains=100, cause=Cause.CANNOT_COMPLETE, staff=staff, at=AT)
    assert {*RefundRequest.objects.values_list("state", flat=True)} == set(RequestState.values)


def furnish_policies(number: int) -> None:
    """Make a draft and a backtest in every state, a version to come and a withdrawn one, and a customer group."""
    author, second = make_staff("grace"), make_staff("hopper")
    CustomerGroup.objects.create(slug=f"agencies-{number}", name=f"Agencies {number}")
    text = policies.shipped("money-back-guarantee", ("hours = [24, 48]", f"hours = [24, {48 + number}]"))
    version = policies.publish(author, second, text, start=AT.replace(year=2027 + number))
    publishing.withdraw(version_id=version.pk, staff=second, at=AT)
    policies.publish(author, second, text, start=AT.replace(year=2027 + number, day=20))
    checked, given_up, broken = policies.checked(author), policies.draft(author), policies.draft(author, "nonsense")
    drafting.write(staff=author, text=f"{broken.text}!", replaces=broken.pk, at=AT)
    drafting.discard(draft_id=given_up.pk, staff=author)
    assert {*PolicyDraft.objects.values_list("state", flat=True)} == set(DraftState.values)
    for state in BacktestState:
        run = runs.ask(draft_id=checked.pk, since=running.LONG_AGO, until=AT, staff=author, at=AT)
        result = Result("0" * 64, run.since, run.until, AT).as_dict() if state == BacktestState.DONE else {}
        PolicyBacktest.objects.filter(pk=run.pk).update(state=state, result=result)
