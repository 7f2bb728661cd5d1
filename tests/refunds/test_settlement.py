"""Settlement: each move of an order credits what is owed now less what was credited before, and says why."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Account, House, Transfer
from orders import handling
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import Standing, User
from refunds import publishing
from refunds.models import Decision, DecisionState, PolicyVersion
from tests.factories import AT, make_customer, make_package, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db

PARTIAL, CANCELED, COMPLETED = OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED


def placed(*, promo: str = "0", rate: str = "10", customer: User | None = None, at: object = AT) -> Order:
    """An order of 1,000 units for 10.00, in progress."""
    order = place_order(customer or make_customer(funds="100", promo=promo), make_service(rate=rate), at=at)  # type: ignore[arg-type]
    move(order, OrderStatus.IN_PROGRESS)
    return order


def money(order: Order) -> tuple[Decimal, Decimal]:
    order.refresh_from_db()
    return order.refunded, order.recognized


def balances(order: Order) -> dict[str, Decimal | None]:
    return dict(Account.objects.filter(customer=order.customer).values_list("kind", "balance"))


@pytest.mark.parametrize(
    ("to", "remains", "initiator", "cause", "clause", "refunded"),
    [
        (COMPLETED, 0, "provider", "delivered", "completed", "0"),
        (PARTIAL, 333, "provider", "cannot_complete", "partly-delivered", "3.33"),
        (PARTIAL, 0, "provider", "cannot_complete", "partly-delivered", "0"),
        (PARTIAL, 1000, "provider", "cannot_complete", "partly-delivered", "10"),
        (CANCELED, 1000, "provider", "provider_canceled", "canceled-by-provider", "10"),
        (CANCELED, 400, "provider", "provider_canceled", "canceled-partway", "4"),
        (CANCELED, 400, "staff", "staff_canceled", "canceled-by-us", "10"),
        (PARTIAL, 400, "staff", "target_unavailable", "target-unavailable", "4"),
        (PARTIAL, 400, "staff", "system_error", "our-error", "10"),
    ],
)
def test_money_back_guarantee_credits(
    to: OrderStatus, remains: int, initiator: str, cause: str, clause: str, refunded: str
) -> None:
    order = placed()

    move(order, to, remains=remains, cause=Cause(cause), initiator=Initiator(initiator))

    assert money(order) == (Decimal(refunded), 10 - Decimal(refunded))
    assert balances(order)["available"] == 90 + Decimal(refunded)
    decision = Decision.objects.get(order=order)
    assert (decision.clause, decision.owed, decision.credited) == (clause, Decimal(refunded), Decimal(refunded))
    assert (decision.policy_version_id, decision.state) == (order.policy_version, DecisionState.SETTLED)


@pytest.mark.parametrize(
    ("to", "remains", "initiator", "cause", "clause", "refunded"),
    [
        (COMPLETED, 0, "provider", "delivered", "completed", "0"),
        (PARTIAL, 333, "provider", "cannot_complete", "partial", "3.33"),
        (CANCELED, 1000, "provider", "provider_canceled", "canceled", "10"),
        (CANCELED, 1000, "staff", "service_unavailable", "not-started", "10"),
        (CANCELED, 400, "staff", "invalid_target", "wrong-target", "0"),
        (PARTIAL, 400, "staff", "dropped", "dropped", "0"),
        (CANCELED, 400, "staff", "terms_violation", "terms-violation", "0"),
    ],
)
def test_panel_credit_only_credits(
    to: OrderStatus,
    remains: int,
    initiator: str,
    cause: str,
    clause: str,
    refunded: str,
    credit_only_policy: PolicyVersion,
) -> None:
    order = placed()

    move(order, to, remains=remains, cause=Cause(cause), initiator=Initiator(initiator))

    assert order.policy_version == credit_only_policy.pk
    assert money(order) == (Decimal(refunded), 10 - Decimal(refunded))
    assert Decision.objects.get(order=order).clause == clause


def test_an_order_is_judged_by_the_version_it_was_placed_under() -> None:
    order = placed()
    text = (publishing.SHIPPED / "panel-credit-only.toml").read_text(encoding="utf-8")
    newer = publishing.publish(text=text, source="newer", effective_from=AT + timedelta(hours=1), at=AT)
    later = placed(customer=order.customer, at=AT + timedelta(hours=1))

    for one in (order, later):
        at = AT + timedelta(hours=2)
        move(one, CANCELED, remains=400, cause=Cause.INVALID_TARGET, initiator=Initiator.STAFF, at=at)

    assert later.policy_version == newer.pk != order.policy_version
    assert Decision.objects.get(order=order).clause == "special-cause"
    judged = Decision.objects.get(order=later)
    assert (judged.clause, judged.policy_hash) == ("wrong-target", newer.hash)


@pytest.mark.parametrize(
    ("steps", "refunded"),
    [
        ([(PARTIAL, 400), (PARTIAL, 400)], "4"),
        ([(PARTIAL, 400), (PARTIAL, 600)], "6"),
        ([(PARTIAL, 600), (PARTIAL, 400)], "6"),
        ([(PARTIAL, 400), (CANCELED, 1000)], "10"),
        ([(CANCELED, 1000), (PARTIAL, 400)], "10"),
        ([(COMPLETED, 0), (PARTIAL, 250)], "2.5"),
        ([(PARTIAL, 250), (COMPLETED, 0)], "2.5"),
        ([(PARTIAL, 100), (CANCELED, 500), (PARTIAL, 700), (COMPLETED, 0), (CANCELED, 1000)], "10"),
    ],
)
def test_corrections_credit_the_difference_and_never_take_back(
    steps: list[tuple[OrderStatus, int]], refunded: str
) -> None:
    order = placed()

    for day, (to, remains) in enumerate(steps):
        move(order, to, remains=remains, cause=Cause.CORRECTION, at=AT + timedelta(days=day))

    assert money(order) == (Decimal(refunded), 10 - Decimal(refunded))
    credited = Decision.objects.filter(order=order).values_list("credited", flat=True)
    assert sum(credited) == Decimal(refunded)


def test_a_late_credit_comes_out_of_revenue() -> None:
    order = placed()
    move(order, COMPLETED, remains=0)

    move(order, PARTIAL, remains=250, cause=Cause.CORRECTION, at=AT + timedelta(days=2))

    late = Transfer.objects.filter(order_ref=order.pk, kind="order_refund").get()
    assert (late.debit_account_id, late.amount) == (House.REVENUE, Decimal("2.500000"))


def test_promotional_money_goes_back_as_such_and_to_the_unit() -> None:
    order = placed(promo="3.333333")

    move(order, PARTIAL, remains=500)
    half = balances(order)
    move(
        order, CANCELED, remains=1000, cause=Cause.STAFF_CANCELED, initiator=Initiator.STAFF, at=AT + timedelta(days=1)
    )

    assert half == {"promo": Decimal("1.666666"), "available": Decimal("96.666667")}
    assert balances(order) == {"promo": Decimal("3.333333"), "available": Decimal("100.000000")}


@pytest.mark.parametrize(
    ("remains", "refunded"),
    [(1, "0.003333"), (2, "0.006666"), (500, "1.666667"), (999, "3.330001"), (1000, "3.333335")],
)
def test_undelivered_units_are_rounded_down_and_all_of_them_are_the_whole_charge(remains: int, refunded: str) -> None:
    order = placed(rate="3.333335")

    move(order, PARTIAL, remains=remains)

    credited, kept = money(order)
    assert credited + kept == order.charge == Decimal("3.333335")
    assert credited == Decimal(refunded)
    assert credited * 1000 <= order.charge * remains


def test_the_price_is_the_one_the_order_was_placed_at() -> None:
    order = placed()
    order.service.rate = Decimal(99)
    order.service.save(update_fields=["rate"])

    move(order, PARTIAL, remains=500)

    assert money(order)[0] == Decimal("5.000000")


def test_a_package_is_refunded_by_its_units_not_by_a_rate_per_thousand() -> None:
    order = place_order(make_customer(funds="100"), make_package(rate="49", units=10))

    move(order, PARTIAL, remains=4)

    assert money(order) == (Decimal("19.600000"), Decimal("29.400000"))


def test_a_decision_says_why_in_words_for_the_customer() -> None:
    order = placed()

    move(order, PARTIAL, remains=333)

    decision = Decision.objects.get(order=order)
    assert "3.33 USD" in decision.sentence
    assert "before all of it was delivered" in decision.sentence
    assert decision.facts["delivery"] == "some"


def test_an_open_order_keeps_its_charge() -> None:
    order = placed()

    assert money(order) == (Decimal(0), Decimal(0))
    assert not Decision.objects.filter(order=order).exists()


def test_a_doubtful_customer_waits_for_a_person_and_what_is_owed_is_held_back() -> None:
    order = placed()
    User.objects.filter(pk=order.customer_id).update(standing=Standing.ABUSE_FLAGGED)

    move(order, PARTIAL, remains=400)

    assert money(order) == (Decimal(0), Decimal(6))
    decision = Decision.objects.get(order=order)
    assert (decision.state, decision.owed, decision.credited) == (DecisionState.AWAITING_REVIEW, Decimal(4), Decimal(0))


@pytest.mark.parametrize("pause", [timedelta(0), timedelta(days=1)], ids=["in the same instant", "a day later"])
def test_a_later_move_answers_the_review_that_an_earlier_one_asked_for(pause: timedelta) -> None:
    order, grace = placed(), make_staff()
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=grace, at=AT, remains=400)

    handling.set_partial(order_id=order.pk, remains=300, cause=Cause.CORRECTION, staff=grace, at=AT + pause)

    states = Decision.objects.filter(order=order).order_by("pk").values_list("state", "credited")
    assert list(states) == [(DecisionState.SUPERSEDED, 0), (DecisionState.SETTLED, Decimal(3))]
    assert money(order) == (Decimal(3), Decimal(7))


def test_nothing_is_reviewed_where_nothing_more_is_owed() -> None:
    order, grace = placed(), make_staff()
    move(order, PARTIAL, remains=400)

    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=grace, at=AT + timedelta(days=1), remains=300)

    assert Decision.objects.filter(order=order).latest("pk").state == DecisionState.SETTLED
    assert money(order) == (Decimal(4), Decimal(6))
