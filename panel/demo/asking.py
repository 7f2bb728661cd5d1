"""The demo's refund requests: open, late, expedited, asked about, recommended, answered; made through the use cases."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from PIL import Image, ImageDraw

from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import User
from panel.kernel import money
from refunds.desk import deciding, opening, talking
from refunds.desk.plans import Choice
from refunds.models import RefundRequest
from refunds.uploads import Upload

_SPACE: Final = uuid5(NAMESPACE_URL, "makegood:demo:refund-requests")
_SHARE: Final = Decimal("0.3")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a customer asks about one of his orders of this status; `before` now."""

    name: str
    role: str
    status: OrderStatus
    cause: Cause
    before: timedelta
    text: str


_APPROVED = _Wish(
    "approved", "customer", OrderStatus.COMPLETED, Cause.DROPPED, timedelta(days=20),
    "Two days after the end the network took back a third of the impressions; their report says so.",
)  # fmt: skip
_DECLINED = _Wish(
    "declined", "customer", OrderStatus.COMPLETED, Cause.PLATFORM_DELAY, timedelta(days=12),
    "It took three days longer than the last time.",
)  # fmt: skip
_OVERDUE = _Wish(
    "overdue", "customer", OrderStatus.COMPLETED, Cause.CANNOT_COMPLETE, timedelta(hours=55),
    "Our own statistics count far fewer visitors than the order says. Please compare.",
)  # fmt: skip
_RECOMMENDED = _Wish(
    "recommended", "second_customer", OrderStatus.COMPLETED, Cause.DROPPED, timedelta(hours=30),
    "The newsletter went out with the link of another advertiser for its first hour. The picture shows it.",
)  # fmt: skip
_ASKED = _Wish(
    "asked", "customer", OrderStatus.IN_PROGRESS, Cause.PLATFORM_DELAY, timedelta(hours=8),
    "The campaign was for the opening day, which is over tomorrow.",
)  # fmt: skip
# Two of a kind, which staff can approve together; both shipped policies leave these to a person.
_STUCK = tuple(
    _Wish(
        f"stuck-{place}", "customer", OrderStatus.PROCESSING, Cause.NOT_STARTED, timedelta(hours=before),
        "It was taken up hours ago and nothing has happened since.",
    )
    for place, before in (("first", 3), ("second", 2))
)  # fmt: skip


def load(users: Mapping[str, User], *, now: datetime) -> int:
    """Open and answer the demo's requests, as far as they are not there yet; return how many there are new."""
    before = RefundRequest.objects.count()
    for wish, request in _opened([_APPROVED, _DECLINED, _OVERDUE, _RECOMMENDED, _ASKED, *_STUCK], users, now):
        if not request.is_open:
            continue
        _go_on(wish, request, users, now - wish.before)
    return RefundRequest.objects.count() - before


def _go_on(wish: _Wish, request: RefundRequest, users: Mapping[str, User], at: datetime) -> None:
    """Do what was not done yet with a request that was opened at `at`: a load may have been cut off in between."""
    ivy, number = users["agent"], request.pk
    if wish is _APPROVED:
        if not request.awaits_second:
            note = "The network's second report shows it: they took back what had not been seen by people."
            _recommend(request, ivy, note, at=at + timedelta(hours=5))
        deciding.confirm(request_id=number, staff=users["second_staff"], seen=None, at=at + timedelta(hours=9))
    elif wish is _DECLINED:
        note = "It was within the days that the service names, and all of it was delivered."
        clause = "completed" if request.policy_version.slug == "money-back-guarantee" else request.clause
        deciding.decline(request_id=number, staff=users["staff"], clause=clause, note=note, at=at + timedelta(hours=20))
    elif wish is _OVERDUE and request.expedited_at is None:
        reason = "We report these figures to our client on Friday."
        talking.expedite(request_id=number, customer=request.customer, reason=reason, at=at + timedelta(hours=30))
    elif wish is _RECOMMENDED and not request.awaits_second:
        talking.claim(request_id=number, staff=ivy, at=at + timedelta(hours=3))
        note = "The publisher confirms the wrong link for the first hour."
        _recommend(request, ivy, note, at=at + timedelta(hours=4))
    elif wish is _ASKED and request.asked_at is None:
        talking.claim(request_id=number, staff=ivy, at=at + timedelta(hours=1))
        question = "May the rest run after the opening day, or shall we end it?"
        talking.ask(request_id=number, staff=ivy, question=question, at=at + timedelta(hours=2))


def _opened(wishes: list[_Wish], users: Mapping[str, User], now: datetime) -> Iterator[tuple[_Wish, RefundRequest]]:
    for wish in wishes:
        customer, at = users[wish.role], now - wish.before
        key = uuid5(_SPACE, wish.name)
        found = RefundRequest.objects.filter(key=key).first()
        if found is None:
            order = _fitting(customer, wish.status, at)
            if order is None:
                continue
            seen = opening.quote(customer=customer, order_id=order.pk, cause=wish.cause, at=at).token
            files = [Upload("first-hour.png", _picture())] if wish is _RECOMMENDED else []
            found = opening.open_by_customer(
                customer=customer, order_id=order.pk, cause=wish.cause, description=wish.text, files=files, key=key,
                seen=seen, at=at,
            )  # fmt: skip
        yield wish, found


def _fitting(customer: User, status: OrderStatus, at: datetime) -> Order | None:
    """Return the latest order of this status that was so by then and that nobody has asked about."""
    orders = Order.objects.filter(customer=customer, status=status, placed_at__lt=at, refund_requests=None)
    if status == OrderStatus.COMPLETED:
        orders = orders.filter(final_at__lt=at - timedelta(days=2), refunded=0)
    found: Order | None = orders.order_by("-pk").first()
    return found


def _recommend(request: RefundRequest, staff: User, note: str, *, at: datetime) -> None:
    """Ask for a part of the charge: more than the policy proposes, so that a second person has to confirm it."""
    amount = money.round_down(request.order.charge * _SHARE).quantize(Decimal("0.01"))
    deciding.approve(request_id=request.pk, staff=staff, choice=Choice(amount=amount), note=note, seen=None, at=at)


def _picture() -> bytes:
    image = Image.new("RGB", (640, 320), "#f4f1ea")
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 616, 296), outline="#8a8577", width=3)
    draw.text((48, 52), "Newsletter, 07:00 to 08:00: https://somebody-else.example.com/sale", fill="#222222")
    draw.text((48, 82), "Newsletter, from 08:00: the advertised page", fill="#222222")
    written = io.BytesIO()
    image.save(written, format="PNG")
    return written.getvalue()
