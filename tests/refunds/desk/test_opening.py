"""Opening a request as a customer: what is read is what is done, once, for the own order only."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from orders import canceling
from orders.canceling import OrderNotFound
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Conflict
from refunds.desk import causes, opening
from refunds.models import RefundFile, RefundRequest, RequestOrigin, RequestState
from refunds.uploads import FileRefused, Upload
from tests.factories import AT, make_customer, make_service, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    balance_of,
    completed,
    confirm,
    decline,
    partly_delivered,
    publish_paying_for_errors,
    started,
    withdraw,
)
from tests.refunds.desk.ground import kinds, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n"


def pending() -> Order:
    return place_order(make_customer(funds="100"), make_service(rate="10"))


def attempt(
    order: Order,
    cause: Cause = Cause.CANNOT_COMPLETE,
    *,
    customer: User | None = None,
    description: str = "Hardly anybody came.",
    files: tuple[Upload, ...] = (),
    key: UUID | None = None,
    seen: str | None = None,
) -> RefundRequest:
    """Send the form, by default with what a quote of this moment says."""
    owner = order.customer
    if seen is None:
        seen = opening.quote(customer=owner, order_id=order.pk, cause=cause, at=AT).token
    return opening.open_by_customer(
        customer=customer or owner,
        order_id=order.pk,
        cause=cause,
        description=description,
        files=files,
        key=key or uuid4(),
        seen=seen,
        at=AT,
    )


def test_a_request_holds_what_was_asked_and_what_the_policy_said() -> None:
    order = started(remains=400)

    request = attempt(order, description="  Nobody came.\r\nReally.  ", files=(Upload("proof.pdf", PDF),))

    assert (request.origin, request.opened_by, request.customer) == (
        RequestOrigin.CUSTOMER,
        order.customer,
        order.customer,
    )
    assert (request.description, request.cause, request.state) == ("Nobody came.\nReally.", "cannot_complete", "open")
    assert request.facts["delivery"] == "some"
    file = RefundFile.objects.get(request=request)
    assert (file.position, file.name, file.content_type, bytes(file.content)) == (
        1,
        "proof.pdf",
        "application/pdf",
        PDF,
    )
    assert kinds(request) == ["opened"]
    assert letters(order.customer) == ["request_received"]


def test_a_quote_writes_nothing_and_says_what_is_done_afterwards() -> None:
    order = started(remains=400)

    with nothing_moves():
        quote = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, at=AT)
    request = attempt(order)

    assert (quote.at_once, quote.proposal.credit) == (False, Decimal(4))
    assert request.sentence == quote.sentence


@pytest.mark.parametrize("status", OrderStatus)
def test_causes_that_no_customer_can_know_are_in_no_form(status: OrderStatus) -> None:
    offered = {cause for cause, _ in causes.fitting(Order(status=status))}

    assert offered
    unknowable = {
        Cause.TERMS_VIOLATION,
        Cause.PROVIDER_CANCELED,
        Cause.STAFF_CANCELED,
        Cause.DELIVERED,
        Cause.CORRECTION,
    }
    assert not offered & unknowable


@pytest.mark.parametrize("cause", [Cause.NOT_STARTED, Cause.CHANGE_OF_MIND, Cause.TERMS_VIOLATION, Cause.CORRECTION])
def test_refuses_a_cause_that_does_not_fit_the_order(cause: Cause) -> None:
    order = completed()

    with nothing_moves(), pytest.raises(opening.CauseUnfit) as refused:
        attempt(order, cause, seen="anything")

    assert refused.value.field == "cause"


@pytest.mark.parametrize("cause", [Cause.NOT_STARTED, Cause.CHANGE_OF_MIND])
def test_a_pending_order_that_its_customer_may_cancel_is_canceled_instead(cause: Cause) -> None:
    order = pending()

    with nothing_moves(), pytest.raises(opening.CancelInstead, match="still pending: cancel it instead"):
        opening.quote(customer=order.customer, order_id=order.pk, cause=cause, at=AT)
    with nothing_moves(), pytest.raises(opening.CancelInstead):
        attempt(order, cause, seen="anything")

    canceling.cancel(customer=order.customer, order_id=order.pk, at=AT)
    assert money(order) == (Decimal(10), Decimal(0))


@pytest.mark.usefixtures("credit_only_policy")
def test_a_pending_order_that_nobody_may_cancel_is_asked_about() -> None:
    order = pending()
    with pytest.raises(canceling.CancelRefused):
        canceling.cancel(customer=order.customer, order_id=order.pk, at=AT)

    assert attempt(order, Cause.NOT_STARTED).state == RequestState.OPEN


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("", "Say in a few words"),
        (" \r\n\t ", "Say in a few words"),
        ("x" * 4001, "At most 4,000 characters, please: this has 4,001"),
        ("<b>" * 350_000, "this has 1,050,000"),
        ("what\0ever", "a character that is no text"),
    ],
    ids=["empty", "blank", "too long", "a megabyte", "a zero byte"],
)
def test_refuses_a_description_that_says_nothing_or_too_much(description: str, said: str) -> None:
    order = started()

    with nothing_moves(), pytest.raises(texts.BadText, match=said) as refused:
        attempt(order, description=description)

    assert refused.value.field == "description"


def test_a_description_of_4000_characters_is_kept_to_the_last_one() -> None:
    request = attempt(started(), description="<b>" + "x" * 3997)

    assert RefundRequest.objects.get(pk=request.pk).description == "<b>" + "x" * 3997


def test_refuses_four_files_and_stores_none_of_them() -> None:
    order = started()

    with nothing_moves(), pytest.raises(opening.TooManyFiles):
        attempt(order, files=(Upload("proof.pdf", PDF),) * 4)


def test_refuses_a_file_that_lies_about_its_type_and_stores_nothing_of_the_request() -> None:
    order = started()

    with nothing_moves(), pytest.raises(FileRefused):
        attempt(order, files=(Upload("proof.pdf", PDF), Upload("shot.png", b"<script>alert(1)</script>")))


def test_refuses_a_second_request_while_one_is_open_and_names_it() -> None:
    order = started()
    first = attempt(order)

    for cause in (Cause.CANNOT_COMPLETE, Cause.PLATFORM_DELAY):
        with nothing_moves(), pytest.raises(opening.AlreadyOpen) as refused:
            attempt(order, cause, seen="anything")
        assert refused.value.number == first.pk
    with pytest.raises(opening.AlreadyOpen):
        opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, at=AT)


def test_the_same_form_sent_twice_is_one_request() -> None:
    order, key = started(), uuid4()
    seen = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, at=AT).token
    first = attempt(order, key=key)

    with nothing_moves():
        again = attempt(order, key=key, seen=seen)

    assert again.pk == first.pk


def test_a_form_that_was_settled_at_once_and_is_sent_twice_pays_once() -> None:
    publish_paying_for_errors()
    order, key = partly_delivered(), uuid4()
    seen = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.SYSTEM_ERROR, at=AT).token

    for _ in range(2):
        attempt(order, Cause.SYSTEM_ERROR, key=key, seen=seen)

    assert money(order) == (Decimal(10), Decimal(0))
    assert balance_of(order.customer) == Decimal(1000)


@pytest.mark.parametrize("number", ["another's", "none"])
def test_an_order_of_somebody_else_is_no_order(number: str) -> None:
    order, ben = started(), make_customer("ben")
    order_id = order.pk if number == "another's" else 987_654_321

    with nothing_moves(), pytest.raises(OrderNotFound, match="There is no such order") as quoted:
        opening.quote(customer=ben, order_id=order_id, cause=Cause.CANNOT_COMPLETE, at=AT)
    with nothing_moves(), pytest.raises(OrderNotFound, match="There is no such order") as opened:
        opening.open_by_customer(
            customer=ben,
            order_id=order_id,
            cause=Cause.CANNOT_COMPLETE,
            description="Mine",
            files=(),
            key=uuid4(),
            seen="",
            at=AT,
        )
    assert str(quoted.value) == str(opened.value)


def test_refuses_when_the_quote_that_was_read_no_longer_holds() -> None:
    order = started()
    seen = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, at=AT).token
    move(order, OrderStatus.PARTIAL, remains=400)

    with nothing_moves(), pytest.raises(opening.QuoteChanged):
        attempt(order, seen=seen)


def test_refuses_when_the_customer_was_flagged_since_the_quote() -> None:
    order = partly_delivered()
    seen = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, at=AT).token
    User.objects.filter(pk=order.customer_id).update(standing="abuse_flagged")

    with nothing_moves(), pytest.raises(opening.QuoteChanged):
        attempt(order, seen=seen)


class TestAskingAgain:
    def test_refuses_what_was_declined_before_while_nothing_has_changed(self, hiro: User) -> None:
        order = started(remains=400)
        declined = decline(attempt(order), hiro)

        with nothing_moves(), pytest.raises(opening.AnsweredBefore, match=f"Request {declined.pk} asked the same"):
            attempt(order)

    def test_refuses_what_the_policy_declined_at_once_before(self) -> None:
        order = started()
        attempt(order, Cause.CHANGE_OF_MIND)

        with nothing_moves(), pytest.raises(opening.AnsweredBefore):
            attempt(order, Cause.CHANGE_OF_MIND)

    def test_takes_it_when_the_order_has_changed(self, hiro: User) -> None:
        order = started(remains=400)
        decline(attempt(order), hiro)
        move(order, OrderStatus.PARTIAL, remains=400)

        assert attempt(order).state == RequestState.OPEN

    def test_takes_another_cause(self, hiro: User) -> None:
        order = started(remains=400)
        decline(attempt(order), hiro)

        assert attempt(order, Cause.PLATFORM_DELAY).state == RequestState.OPEN

    def test_takes_it_after_the_customer_withdrew(self) -> None:
        order = started(remains=400)
        withdraw(attempt(order))

        assert attempt(order).state == RequestState.OPEN

    def test_takes_it_after_an_approval_and_credits_no_more_than_is_left(self, hiro: User) -> None:
        order = completed()
        first = attempt(order, Cause.SYSTEM_ERROR)
        approve(first, hiro)

        again = attempt(order, Cause.SYSTEM_ERROR)

        assert (again.state, again.owed) == (RequestState.OPEN, Decimal(10))
        assert "nothing is left to refund" in again.sentence


class TestOpeningTwice:
    def test_what_pays_at_once_pays_once_and_what_follows_is_declined(self) -> None:
        publish_paying_for_errors()
        order = partly_delivered()
        attempt(order, Cause.SYSTEM_ERROR)

        again = ask_for_refund(order, Cause.SYSTEM_ERROR, at=AT + timedelta(minutes=1))

        assert (again.state, again.amount) == (RequestState.DECLINED, Decimal(0))
        assert again.sentence.startswith("Nothing more is refunded than the 10.00 USD before")
        assert money(order) == (Decimal(10), Decimal(0))

    def test_what_the_policy_would_pay_waits_for_a_person_when_one_has_decided_before(
        self, hiro: User, ida: User
    ) -> None:
        publish_paying_for_errors()
        order = partly_delivered()
        first = attempt(order)
        approve(first, hiro, "1")
        confirm(first, ida)

        again = attempt(order, Cause.SYSTEM_ERROR)

        assert again.state == RequestState.OPEN
        assert money(order) == (Decimal(5), Decimal(5))


@pytest.mark.parametrize("whose", ["ben's", "her own"])
def test_refuses_a_form_that_was_used_for_another_request(whose: str) -> None:
    order, key = started(), uuid4()
    attempt(order, key=key)
    another = started(make_customer("ben", funds="20") if whose == "ben's" else order.customer)

    with nothing_moves(), pytest.raises(Conflict, match="This form was used for another request"):
        attempt(another, key=key)


def test_refuses_a_form_whose_cause_was_changed_after_it_was_sent() -> None:
    order, key = started(), uuid4()
    attempt(order, key=key)

    with nothing_moves(), pytest.raises(Conflict, match="This form was used for another request"):
        attempt(order, Cause.PLATFORM_DELAY, key=key, seen="anything")
