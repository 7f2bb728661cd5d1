"""Refund requests in any state, brought there through the use cases, and the people who decide them."""

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import Permission

from billing.models import Account
from orders import handling, lifecycle
from orders.lifecycle import Progress
from orders.models import Category, Cause, Order, OrderStatus, Service
from panel.accounts.models import User
from refunds import publishing
from refunds.desk import access, deciding, opening, talking
from refunds.desk.plans import Choice
from refunds.models import Decision, DecisionState, PolicyVersion, RefundRequest, RequestState
from refunds.uploads import Upload
from tests.factories.catalog import make_service
from tests.factories.orders import AT, move, place_order
from tests.factories.people import make_customer, make_staff
from tests.refunds.policy import widened

LONG_AGO = AT.replace(year=2020)


def make_agent(name: str = "hiro", *permissions: str) -> User:
    """Return a member of staff who works at the desk and may do nothing else but what is named."""
    agent = make_staff(name)
    agent.is_superuser = False
    agent.save(update_fields=["is_superuser"])
    codenames = [permission.split(".")[1] for permission in (access.MAY_WORK, *permissions)]
    agent.user_permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="refunds"))
    return User.objects.get(pk=agent.pk)


def make_approver(name: str = "ida") -> User:
    """Return a member of staff who works at the desk and confirms as a second person."""
    return make_agent(name, access.MAY_CONFIRM)


def publish_variant(old: str, new: str, *, slug: str = "money-back-guarantee") -> PolicyVersion:
    """Put a shipped policy in force, for orders placed from now on, with one passage of its text replaced.

    It goes without its examples, which tell what its rules say unchanged.
    """
    text = widened.without_examples((publishing.SHIPPED / f"{slug}.toml").read_text(encoding="utf-8"))
    assert text.count(old) == 1, old
    return publishing.publish(text=text.replace(old, new), source=slug, effective_from=LONG_AGO, at=LONG_AGO)


def publish_refill_first() -> PolicyVersion:
    """Put a policy in force by which a drop is refilled before it is refunded; a refused refill goes to a person."""
    next_clause = '[[clauses]]\nid = "standing-in-doubt"'
    refill_first = """[[clauses]]
id = "refill-first"
group = "Cases that a person looks at first"
when = { cause = ["dropped"], refill = ["available", "running"] }
then = { refund = "none", approval = "automatic", keeps_undelivered = true }
text = "Results that dropped later are delivered again before they are refunded, where the service offers refills."
because = "a refill comes first"
passage = "our own"

"""
    return publish_variant(next_clause, refill_first + next_clause)


def publish_widened(
    *,
    creators: Category,
    newsletter: Service | None = None,
    slug: str = "money-back-guarantee",
    change: tuple[str, str] | None = None,
) -> PolicyVersion:
    """Put a shipped policy in force with rules of every kind in front (tests.refunds.policy.widened).

    They are about the services of one category, and about one service more, which is made off sale when none is given.
    `change` replaces one passage.
    """
    named = newsletter or make_service(is_active=False)
    text = widened.text_of(slug, categories=str(creators.pk), services=str(named.pk))
    if change is not None:
        assert text.count(change[0]) == 1, change[0]
        text = text.replace(*change)
    return publishing.publish(text=text, source=slug, effective_from=LONG_AGO, at=LONG_AGO)


def publish_paying_for_errors() -> PolicyVersion:
    """Put a policy in force that pays an ended order back at once when its customer reports an error of ours."""
    review = 'then = { refund = "full", approval = "review" }'
    return publish_variant(review, review.replace("review", "automatic"))


def balance_of(customer: User, kind: str = "available") -> Decimal | None:
    """Return what is on a customer's balance."""
    return Account.objects.get(customer=customer, kind=kind).balance


def started(customer: User | None = None, *, rate: str = "10", remains: int | None = None, promo: str = "0") -> Order:
    """Return a running order of 1,000 units, for 10.00 unless said otherwise; nobody but us carries it out.

    `remains` is what is known of its progress. A customer who isn't given has 1,000.00 before it.
    """
    order = place_order(customer or make_customer(funds="1000", promo=promo), make_service(rate=rate))
    move(order, OrderStatus.IN_PROGRESS)
    if remains is not None:
        lifecycle.note_progress([Progress(order.pk, remains, 5)])
        order.refresh_from_db()
    return order


def partly_delivered(customer: User | None = None, *, rate: str = "10", remains: int = 400, promo: str = "0") -> Order:
    """Return a partial order of 1,000 units; what was not delivered is credited already."""
    order = started(customer, rate=rate, promo=promo)
    move(order, OrderStatus.PARTIAL, remains=remains, cause=Cause.CANNOT_COMPLETE)
    return order


def completed(customer: User | None = None, *, rate: str = "10") -> Order:
    """Return a completed order of 1,000 units."""
    order = started(customer, rate=rate)
    move(order, OrderStatus.COMPLETED, remains=0)
    return order


def ask_for_refund(
    order: Order,
    cause: Cause = Cause.CANNOT_COMPLETE,
    *,
    description: str = "Hardly anybody came.",
    files: tuple[Upload, ...] = (),
    at: datetime = AT,
) -> RefundRequest:
    """Open a request as the order's customer does, having read what the policy says."""
    quote = opening.quote(customer=order.customer, order_id=order.pk, cause=cause, at=at)
    return opening.open_by_customer(
        customer=order.customer,
        order_id=order.pk,
        cause=cause,
        description=description,
        files=files,
        key=uuid4(),
        seen=quote.token,
        at=at,
    )


def order_in_review(customer: User | None = None, *, promo: str = "0") -> RefundRequest:
    """Return the request that opened when an order of 10.00 was canceled for a wrong link: 4.00 wait for a person."""
    order = place_order(customer or make_customer(funds="20", promo=promo), make_service(rate="10"))
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    return request_about(order)


def request_about(order: Order) -> RefundRequest:
    """Return the open request about an order."""
    return RefundRequest.objects.get(order=order, state=RequestState.OPEN)


def decision_in_review(order: Order) -> Decision:
    """Return the decision about an order that waits for a person."""
    return Decision.objects.get(order=order, state=DecisionState.AWAITING_REVIEW)


def approve(
    request: RefundRequest,
    staff: User,
    amount: str | None = None,
    *,
    remains: int | None = None,
    note: str = "Fine",
    at: datetime = AT,
) -> RefundRequest:
    """Approve what the policy proposes, or another amount."""
    choice = Choice(None if amount is None else Decimal(amount), remains)
    return deciding.approve(request_id=request.pk, staff=staff, choice=choice, note=note, seen=None, at=at)


def confirm(request: RefundRequest, staff: User, *, at: datetime = AT) -> RefundRequest:
    """Confirm what another person recommended."""
    return deciding.confirm(request_id=request.pk, staff=staff, seen=None, at=at)


def send_back(request: RefundRequest, staff: User, *, note: str = "Not yet", at: datetime = AT) -> RefundRequest:
    """Undo a recommendation."""
    return deciding.send_back(request_id=request.pk, staff=staff, note=note, at=at)


def decline(request: RefundRequest, staff: User, *, note: str = "No", at: datetime = AT) -> RefundRequest:
    """Decline by the clause that sent the request to a person."""
    return deciding.decline(request_id=request.pk, staff=staff, clause=request.clause, note=note, at=at)


def withdraw(request: RefundRequest, *, at: datetime = AT) -> None:
    """Take a request back as its customer does."""
    talking.withdraw(request_id=request.pk, customer=request.customer, at=at)
