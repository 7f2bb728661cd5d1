"""What the desk writes to customers, put into the outbox in the transaction that causes it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from billing.models import Account, CustomerAccount
from orders.models import Cause
from panel.accounts.models import User
from panel.kernel import money
from panel.notifications import outbox, refund_letters
from panel.notifications.outbox import NewEmail
from refunds import pages
from refunds.desk import causes
from refunds.models import RefundRequest


def received(request: RefundRequest, customer: User, *, proposal: Decimal, at: datetime) -> None:
    """Say that a request of the customer's is here and until when it is answered."""
    letter = refund_letters.request_received(
        customer=customer,
        request_number=request.pk,
        order_number=request.order_id,
        cause=causes.words(Cause(request.cause)),
        proposal=proposal,
        sentence=request.sentence,
        due_from=request.answer_from,
        due_at=request.due_at,
        url=_page(request),
    )
    outbox.put([letter], at=at)


def in_review(reviews: Sequence[tuple[RefundRequest, User]], *, at: datetime) -> None:
    """Say that orders ended in a way that a person looks at, and until when it is answered."""
    outbox.put(
        [
            refund_letters.refund_in_review(
                customer=customer,
                request_number=request.pk,
                order_number=request.order_id,
                sentence=request.sentence,
                due_from=request.answer_from,
                due_at=request.due_at,
                url=_page(request),
            )
            for request, customer in reviews
        ],
        at=at,
    )


def asked(request: RefundRequest, customer: User, *, question: str, number: int, at: datetime) -> None:
    """Ask the customer. `number` is that of the question's event: each is a letter of its own."""
    letter = refund_letters.request_question(
        customer=customer,
        request_number=request.pk,
        order_number=request.order_id,
        question_number=number,
        text=question,
        url=_page(request),
    )
    outbox.put([letter], at=at)


def approved(request: RefundRequest, customer: User, *, at: datetime) -> None:
    """Say what was credited, why, and what the balance is now; the transfers are posted."""
    balances = _balances(customer)
    letter = refund_letters.request_approved(
        customer=customer,
        request_number=request.pk,
        order_number=request.order_id,
        amount=request.amount,
        why=request.answer,
        balance=balances[CustomerAccount.AVAILABLE],
        promo_balance=balances[CustomerAccount.PROMO] if request.order.charge_promo else None,
        url=_page(request),
    )
    outbox.put([letter], at=at)


def declined(request: RefundRequest, customer: User, *, reason: str, note: str, at: datetime) -> None:
    """Say that nothing is credited: by which rule, and what the person who decided adds."""
    outbox.put([_declined(request, customer, reason, note)], at=at)


def nothing_left(requests: Sequence[RefundRequest], *, at: datetime) -> None:
    """Say that a later report answered these requests and nothing was credited; a credit has a letter of its own."""
    if not requests:
        return
    customers = User.objects.in_bulk({request.customer_id for request in requests})
    outbox.put([_declined(request, customers[request.customer_id], request.answer, "") for request in requests], at=at)


def _declined(request: RefundRequest, customer: User, reason: str, note: str) -> NewEmail:
    return refund_letters.request_declined(
        customer=customer,
        request_number=request.pk,
        order_number=request.order_id,
        reason=reason,
        note=note,
        url=_page(request),
        support_url=pages.support(request.order_id),
    )


def _page(request: RefundRequest) -> str:
    return pages.refund_request(request.pk)


def _balances(customer: User) -> dict[str, Decimal]:
    found = {kind.value: money.ZERO for kind in CustomerAccount}
    for account in Account.objects.filter(customer=customer):
        found[account.kind] = account.balance or money.ZERO
    return found
