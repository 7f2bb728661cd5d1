"""What the engine says about a request: the policy's verdict on the order as it stands, and what it would credit."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from orders import refills
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing
from panel.kernel import money
from refunds import bookings, publishing, rules
from refunds.bookings import Books
from refunds.models import Decision, DecisionState, PolicyVersion, RefundRequest, RequestState
from refunds.policy import engine, facts, wording
from refunds.policy.clauses import Approval, Refund
from refunds.policy.facts import Amounts, Facts


@dataclass(frozen=True, slots=True)
class Proposal:
    """The engine's word on one order and cause. Money scale.

    Attributes:
        waiting: the decision of the order's end that a person has to make, if that is what is asked.
        credit: what granting it credits now: what is owed less what was credited before.
        is_estimate: nobody has reported how much was delivered, so that `credit` is the most it can be.
    """

    order: Order
    version: PolicyVersion
    facts: Facts
    verdict: wording.Verdict
    amounts: Amounts
    waiting: Decision | None
    credit: Decimal
    is_estimate: bool

    @property
    def is_automatic(self) -> bool:
        """Whether the policy decides this without a person."""
        return self.verdict.approval is Approval.AUTOMATIC

    @property
    def most(self) -> Decimal:
        """The most that can still be credited for this order."""
        return money.exact(self.order.charge - self.order.refunded)

    @property
    def hours(self) -> tuple[int, int]:
        """Within how many hours a person answers."""
        return self.version.policy.review.hours

    @property
    def token(self) -> str:
        """What changes when the outcome does."""
        order, verdict = self.order, self.verdict
        amounts = f"{money.plain(order.refunded)}:{money.plain(self.credit)}"
        return f"{order.pk}:{order.status}:{verdict.clause_id}:{verdict.approval}:{amounts}"

    @property
    def rule(self) -> str:
        """The clause in the words of the policy's page."""
        return rules.words(self.version.policy, self.verdict.clause_id)


def judge(
    order: Order, *, cause: Cause, standing: Standing, at: datetime, refill: facts.Refill | None = None
) -> Proposal:
    """Judge a customer's claim about the order as it stands, by the version that the order was placed under.

    `refill` is given by who knows it; otherwise it is looked up.
    """
    refill = refill or facts.Refill(refills.offers([order])[order.pk].value)
    version = publishing.version(order.policy_version)
    remains, is_estimate = _remains(order)
    amounts = Amounts(order.charge, order.quantity, remains)
    found = Facts(
        status=facts.Status(order.status),
        delivery=facts.Delivery.SOME if is_estimate else facts.delivery_of(order.quantity, remains),
        cause=facts.Cause(cause.value),
        initiator=facts.Initiator.CUSTOMER,
        terms=facts.Terms(order.terms),
        standing=facts.Standing(standing.value),
        since_placed=facts.since_placed(at - order.placed_at),
        hours_since_final=facts.hours_since_final(at - order.final_at if order.final_at else None),
        refill=refill,
        service=order.service_id,
        category=order.category,
    )
    verdict = engine.decide(version.policy, found, amounts)
    return Proposal(order, version, found, verdict, amounts, None, _due(order, verdict.owed), is_estimate)


def of_request(request: RefundRequest, order: Order, *, standing: Standing, at: datetime) -> Proposal:
    """Return what the engine proposes for an open request now; a decision that waits for a person comes first."""
    waiting = waiting_decision(order)
    if waiting is not None:
        return _of_decision(waiting, order)
    return judge(order, cause=Cause(request.cause), standing=standing, at=at)


def waiting_decision(order: Order) -> Decision | None:
    """Return the decision about the order's end that waits for a person, if there is one."""
    return Decision.objects.filter(order=order, state=DecisionState.AWAITING_REVIEW).first()


def imagine(order: Order, *, status: OrderStatus, remains: int | None) -> Order:
    """Return a copy of the order as if it stood so; it is never saved."""
    imagined = copy.copy(order)
    imagined.status, imagined.remains = status, remains
    return imagined


def due(opened_at: datetime, hours: tuple[int, int]) -> tuple[datetime, datetime]:
    """Return from when until when the policy promises an answer to what was opened then."""
    return opened_at + timedelta(hours=hours[0]), opened_at + timedelta(hours=hours[1])


def declined_before(requests: Iterable[RefundRequest], proposal: Proposal, cause: Cause) -> RefundRequest | None:
    """Return the request about the order that asked the same and was declined, if nothing has changed since.

    The last one that was declined by the clause counts; `requests` are those about the order, in any order.
    """
    verdict, order = proposal.verdict, proposal.order
    asked = (RequestState.DECLINED, cause, verdict.clause_id)
    same = [request for request in requests if (request.state, request.cause, request.clause) == asked]
    last = max(same, key=lambda request: request.pk, default=None)
    is_as_it_was = last is not None and (last.facts["status"], last.owed) == (order.status, verdict.owed)
    return last if is_as_it_was else None


def sentence(proposal: Proposal, *, at_once: bool) -> str:
    """Say in one sentence what a customer who asks gets and why. `at_once`: no person looks at it."""
    clause, verdict = proposal.version.policy.clause(proposal.verdict.clause_id), proposal.verdict
    because = clause.because
    less = wording.deductions(clause, proposal.amounts, verdict.owed, settings.PANEL_CURRENCY)
    credit = money.display(proposal.credit, settings.PANEL_CURRENCY)
    if at_once and proposal.credit > 0:
        return f"{credit} is credited to your balance{_units(proposal)}{less} because {because}."
    if at_once and proposal.order.refunded > 0:
        before = money.display(proposal.order.refunded, settings.PANEL_CURRENCY)
        return f"Nothing more is refunded than the {before} before, because {because}."
    if at_once:
        return f"This is not refundable{less} because {because}."
    hours = wording.span(*proposal.hours)
    if proposal.credit > 0:
        upto = "Up to " if proposal.is_estimate else ""
        return f"{upto}{credit}{_units(proposal)}{less}: a person looks at it within {hours} hours because {because}."
    return f"A person looks at it within {hours} hours because {because}. By our records nothing is left to refund."


def _of_decision(decision: Decision, order: Order) -> Proposal:
    version = publishing.version(decision.policy_version_id)
    remains, is_estimate = _remains(order)
    verdict = wording.Verdict(decision.clause, Refund(decision.refund), Approval.REVIEW, decision.owed)
    return Proposal(
        order,
        version,
        Facts.from_dict(decision.facts),
        verdict,
        Amounts(order.charge, order.quantity, remains),
        decision,
        _due(order, decision.owed),
        is_estimate,
    )


def _due(order: Order, owed: Decimal) -> Decimal:
    return bookings.due(Books(order.charge, order.charge_promo, order.refunded, order.recognized), owed)


def _remains(order: Order) -> tuple[int, bool]:
    """Return the undelivered units, and whether that is only the most it can be."""
    if order.remains is not None:
        return int(order.remains), False
    return int(order.quantity), order.status == OrderStatus.IN_PROGRESS


def _units(proposal: Proposal) -> str:
    amounts = proposal.amounts
    if proposal.verdict.refund is not Refund.UNDELIVERED or amounts.remains in {0, amounts.quantity}:
        return ""
    return f" for {amounts.remains:,} of {amounts.quantity:,} units that were not delivered"
