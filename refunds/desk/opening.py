"""Opening a request: the quote beforehand, the same judgment again under lock, and what needs no person at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from orders.canceling import OrderNotFound
from orders.models import Cause, Order, OrderStatus
from panel.accounts import standing
from panel.accounts.models import Standing, User
from panel.kernel import money, texts
from panel.kernel.errors import Conflict, Forbidden, Refused
from refunds import publishing, uploads
from refunds.desk import abuse, access, causes, closing, letters, paying, proposals
from refunds.desk.closing import Answer
from refunds.desk.proposals import Proposal
from refunds.models import (
    Decision,
    DecisionState,
    RefundFile,
    RefundRequest,
    RequestEventKind,
    RequestOrigin,
    RequestState,
)
from refunds.models.request import LONGEST_TEXT
from refunds.policy import engine
from refunds.policy.abuse import Reason
from refunds.policy.facts import Status
from refunds.uploads import MOST_FILES, CheckedFile, Upload

_USED: Final = "This form was used for another request. Please open the page again."


class AlreadyOpen(Conflict):
    """There is an open request about this order; `number` is its."""

    code = "refund_request_open"

    def __init__(self, number: int) -> None:
        """Name the request that is open."""
        super().__init__(f"Request {number} about this order is open already. Add a message there.")
        self.number = number


class AnsweredBefore(Refused):
    """The same was asked and declined, and the order has not changed since."""

    code = "refund_request_answered_before"


class CancelInstead(Refused):
    """The order is pending and its customer may cancel it himself, which settles it by the policy at once."""

    code = "cancel_instead"


class CauseUnfit(Refused):
    """The cause does not fit the order as it stands."""

    code = "cause_unfit"


class TooManyFiles(Refused):
    """More files than a request holds."""

    code = "too_many_files"


class QuoteChanged(Conflict):
    """What the policy says has changed since the customer read it."""

    code = "refund_quote_changed"


@dataclass(frozen=True, slots=True)
class Quote:
    """What would become of a request now.

    Attributes:
        at_once: the policy decides it, and no person has to look.
        sentence: the whole in words.
    """

    proposal: Proposal
    at_once: bool
    sentence: str

    @property
    def token(self) -> str:
        """What changes when the outcome does; the form carries it back."""
        return f"{self.proposal.token}:{self.at_once}"


@dataclass(frozen=True, slots=True)
class _Wish:
    """Who asks what, checked."""

    order: Order
    customer: User
    cause: Cause
    description: str
    origin: RequestOrigin
    opened_by: User
    key: UUID | None
    files: Sequence[CheckedFile] = ()


def quote(*, customer: User, order_id: int, cause: Cause, at: datetime) -> Quote:
    """Say what the policy makes of this request now; nothing is written.

    Raises OrderNotFound, CancelInstead, CauseUnfit, AlreadyOpen.
    """
    order = Order.objects.filter(pk=order_id, customer=customer).first()
    if order is None:
        raise OrderNotFound("There is no such order.")
    _refuse_second(order)
    _refuse_what_a_cancel_does(order)
    return _foresee(order, customer, cause, at)[0]


def open_by_customer(
    *,
    customer: User,
    order_id: int,
    cause: Cause,
    description: str,
    files: Sequence[Upload],
    key: UUID,
    seen: str,
    at: datetime,
) -> RefundRequest:
    """Open a request, and settle it at once when the policy needs no person. The same `key` again returns the same one.

    `seen` is the token of the quote that the customer read.

    Raises OrderNotFound, CancelInstead, CauseUnfit, AlreadyOpen, AnsweredBefore, QuoteChanged, TooManyFiles,
    texts.BadText, uploads.FileRefused, Conflict (key used for another request).
    """
    words = texts.text(
        description,
        field="description",
        missing="Say in a few words what is wrong with the order.",
        longest=LONGEST_TEXT,
    )
    checked = _checked(files)
    with transaction.atomic(durable=True):
        owner = standing.locked(customer.pk)  # one opening of a customer at a time: abuse is counted, not guessed
        before: RefundRequest | None = RefundRequest.objects.filter(key=key).first()
        if before is not None:
            return _same(before, owner, order_id, cause)
        order = access.locked_order(order_id, owner)
        wish = _Wish(order, owner, cause, words, RequestOrigin.CUSTOMER, owner, key, checked)
        _refuse_second(order)
        _refuse_what_a_cancel_does(order)
        found, reasons = _foresee(order, owner, cause, at)
        if seen != found.token:
            raise QuoteChanged("What the policy says about this has changed. Please read it again.")
        _refuse_repeated(order, cause, found)
        try:
            with transaction.atomic():
                request = _insert(wish, found, at)
        except IntegrityError as error:
            if "refundrequest_key" not in str(error):
                raise
            raise Conflict(_USED) from error  # another customer sends a form with this key at this very moment
        _flag(owner, reasons, at)
        if found.at_once:
            _settle(request, found, owner, at)
        else:
            letters.received(request, owner, proposal=found.proposal.credit, at=at)
        return request


def open_by_staff(*, staff: User, order_id: int, cause: Cause, description: str, at: datetime) -> RefundRequest:
    """Open a request for a customer who wrote in. It always waits for a person: one is looking at it already.

    Raises Forbidden, OrderNotFound, CauseUnfit, AlreadyOpen, texts.BadText.
    """
    access.require(staff, access.MAY_OPEN)
    words = texts.text(description, field="description", missing="Say what the customer wrote.", longest=LONGEST_TEXT)
    with transaction.atomic(durable=True):
        owner_id = Order.objects.filter(pk=order_id).values_list("customer_id", flat=True).first()
        if owner_id is None:
            raise OrderNotFound("There is no such order.")
        if owner_id == staff.pk:
            raise Forbidden("Nobody works on a request of an own account.")
        owner = standing.locked(owner_id)
        order = access.locked_order(order_id)
        _refuse_second(order)
        found, reasons = _foresee(order, owner, cause, at)
        waits = Quote(found.proposal, at_once=False, sentence=proposals.sentence(found.proposal, at_once=False))
        request = _insert(_Wish(order, owner, cause, words, RequestOrigin.STAFF, staff, None), waits, at)
        _flag(owner, reasons, at)
        letters.received(request, owner, proposal=found.proposal.credit, at=at)
        return request


def _same(found: RefundRequest, customer: User, order_id: int, cause: Cause) -> RefundRequest:
    """Return the request that the form opened before; somebody else's form, or one filled in anew, is none of it."""
    if (found.customer_id, found.order_id, found.cause) != (customer.pk, order_id, cause):
        raise Conflict(_USED)
    return found


def _foresee(order: Order, customer: User, cause: Cause, at: datetime) -> tuple[Quote, tuple[Reason, ...]]:
    if cause not in {fitting for fitting, _ in causes.fitting(order)}:
        raise CauseUnfit("Choose a cause that fits the order as it stands now.", field="cause")
    first = proposals.judge(order, cause=cause, standing=abuse.standing_of(customer, ()), at=at)
    reasons = abuse.measured(customer=customer, order=order, policy=first.version.policy, at=at)
    measured = abuse.standing_of(customer, reasons)
    proposal = proposals.judge(order, cause=cause, standing=measured, at=at, refill=first.facts.refill)
    at_once = _needs_nobody(proposal)
    return Quote(proposal, at_once, proposals.sentence(proposal, at_once=at_once)), reasons


def _needs_nobody(proposal: Proposal) -> bool:
    """Whether the policy's answer can be carried out without a person.

    Nothing is credited by itself while an order runs (it is settled when it ends), nor against what a person decided.
    """
    if not proposal.is_automatic:
        return False
    if proposal.credit == money.ZERO:
        return True
    by_people = Decision.objects.filter(
        order=proposal.order, state__in=[DecisionState.AWAITING_REVIEW, DecisionState.APPROVED, DecisionState.DECLINED]
    )
    answered = RefundRequest.objects.filter(order=proposal.order, closed_by__isnull=False).exclude(
        state=RequestState.WITHDRAWN
    )
    return proposal.order.is_final and not by_people.exists() and not answered.exists()


def _refuse_second(order: Order) -> None:
    number = RefundRequest.objects.filter(order=order, state=RequestState.OPEN).values_list("pk", flat=True).first()
    if number is not None:
        raise AlreadyOpen(number)


def _refuse_what_a_cancel_does(order: Order) -> None:
    policy = publishing.version(order.policy_version).policy
    if order.status == OrderStatus.PENDING and engine.may_customer_cancel(policy, Status.PENDING):
        raise CancelInstead("This order is still pending: cancel it instead.")


def _refuse_repeated(order: Order, cause: Cause, found: Quote) -> None:
    """Refuse what was declined before when nothing has changed: asking again and again is no way to a refund."""
    declined = proposals.declined_before(
        RefundRequest.objects.filter(order=order, state=RequestState.DECLINED), found.proposal, cause
    )
    if declined is not None:
        raise AnsweredBefore(
            f"Request {declined.pk} asked the same and was declined; the order has not changed since. If there is"
            " something that we don't know yet, write to support."
        )


def _checked(files: Sequence[Upload]) -> list[CheckedFile]:
    if len(files) > MOST_FILES:
        raise TooManyFiles(f"Send {MOST_FILES} files at most.", field="files")
    return [uploads.checked(file) for file in files]


def _insert(wish: _Wish, found: Quote, at: datetime) -> RefundRequest:
    proposal = found.proposal
    answer_from, due_at = proposals.due(at, proposal.hours)
    request = RefundRequest.objects.create(
        key=wish.key,
        order=wish.order,
        customer=wish.customer,
        origin=wish.origin,
        opened_by=wish.opened_by,
        cause=wish.cause,
        description=wish.description,
        opened_at=at,
        answer_from=answer_from,
        due_at=due_at,
        policy_version=proposal.version,
        clause=proposal.verdict.clause_id,
        facts=proposal.facts.as_dict(),
        remains=proposal.amounts.remains,
        owed=proposal.verdict.owed,
        sentence=found.sentence,
    )
    closing.log(request, RequestEventKind.OPENED, by=wish.opened_by, text=found.sentence, at=at)
    RefundFile.objects.bulk_create(
        RefundFile(
            request=request,
            position=position,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            content=file.content,
            added_at=at,
        )
        for position, file in enumerate(wish.files, start=1)
    )
    return request


def _flag(customer: User, reasons: Sequence[Reason], at: datetime) -> None:
    """Flag whoever crosses a threshold; what a person decided about him, or an earlier flag, stays as it is."""
    if reasons and customer.standing == Standing.CLEAR:
        standing.flag_measured(user=customer, reasons=[reason.sentence for reason in reasons], at=at)


def _settle(request: RefundRequest, found: Quote, customer: User, at: datetime) -> None:
    """Carry out what the policy decides by itself."""
    proposal = found.proposal
    clause = proposal.verdict.clause_id
    if proposal.credit == money.ZERO:
        answer = Answer(state=RequestState.DECLINED, by=None, text=found.sentence, clause=clause)
        closing.close(request, answer, at=at)
        letters.declined(request, customer, reason=found.sentence, note="", at=at)
        return
    credit = proposal.credit
    decision = paying.pay(request, proposal, credit, by=None, note=found.sentence, at=at)
    answer = Answer(
        state=RequestState.APPROVED,
        by=None,
        text=found.sentence,
        clause=clause,
        amount=credit,
        proposed=credit,
        decision=decision,
    )
    closing.close(request, answer, at=at)
    letters.approved(request, customer, at=at)
