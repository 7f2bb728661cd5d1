"""What the orders room asks about policies: the module named by `settings.ORDER_POLICY` (orders.ports.OrderPolicy)."""

import functools
import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection

from orders.models import Order, OrderStatus, Service
from orders.ports import OrderNote, RefundAnswer, RefundCase
from panel.accounts.models import Standing
from panel.kernel import money
from panel.postgres import prepared
from refunds import order_quotes, publishing, rules
from refunds.policy import engine, facts, noting, quoting
from refunds.policy.clauses import Portion
from refunds.policy.quoting import Course, Offered, ServiceQuote, Step

_IN_FORCE = prepared.Statement(
    "policy_in_force",
    "SELECT id FROM refunds_policyversion WHERE effective_from <= %s::timestamptz AND withdrawn_at IS NULL"
    " AND (customer_group_id IS NULL OR customer_group_id = %s::bigint)"
    " ORDER BY customer_group_id IS NULL, effective_from DESC, id DESC LIMIT 1",
)


def version_in_force(at: datetime, group: int | None) -> int:
    """Return the number of the version in force at `at` for a group of customers. Raises publishing.NoPolicyInForce."""
    with connection.cursor() as cursor:
        _IN_FORCE.run(cursor, [at, group])
        row = cursor.fetchone()
    if row is None:
        raise publishing.NoPolicyInForce("No refund policy is in force yet; run `manage.py publish_policy`.")
    return int(row[0])


def customer_may_cancel(version: int, status: OrderStatus) -> bool:
    """Whether this version lets customers cancel orders in this status themselves."""
    return engine.may_customer_cancel(publishing.version(version).policy, facts.Status(status.value))


def customer_may_ask_to_cancel(version: int, status: OrderStatus) -> bool:
    """Whether this version lets customers ask for a cancel that the provider must confirm."""
    return engine.may_customer_ask_to_cancel(publishing.version(version).policy, facts.Status(status.value))


def cancel_refusal(order: Order) -> str:
    """Return the document's own words for a customer who may not cancel: its clause on a change of mind."""
    found = order_quotes.if_canceled(order, standing=Standing.CLEAR, at=order.placed_at)
    return rules.words(publishing.version(order.policy_version).policy, found.clause)


def order_note(version: int, service: Service, standing: Standing = Standing.CLEAR) -> OrderNote:
    """Return what the document says about orders of a service by a customer of this standing."""
    return order_notes(version, [service], standing)[0]


def order_notes(version: int, services: Iterable[Service], standing: Standing) -> list[OrderNote]:
    """Return the same for each of the services, in their order.

    Each note is made once for all services that the document does not tell apart, so it takes a microsecond a service.
    """
    scopes, currency = publishing.version(version).policy.scopes, settings.PANEL_CURRENCY
    made: dict[tuple[str, bool, bool], OrderNote] = {}
    notes = []
    for service in services:
        kind = (scopes.of(service.pk, service.category_id), service.refund_after_start, service.allows_refill)
        note = made.get(kind)
        if note is None:
            refill = _refill(service).value
            note = made[kind] = _note(version, kind[0], service.terms.value, refill, standing.value, currency)
        notes.append(note)
    return notes


@functools.lru_cache(maxsize=1024)
def _note(version: int, scope: str, terms: str, refill: str, standing: str, currency: str) -> OrderNote:
    policy = publishing.version(version).policy
    service, category = policy.scopes.sample(scope)
    offered = Offered(facts.Terms(terms), facts.Refill(refill), service, category)
    quote = quoting.quote(policy, offered, facts.Standing(standing))
    lines = noting.lines(quote, currency)
    return OrderNote(
        lines=lines,
        cases=_cases(quote),
        ends_with_start=quote.ends_with_start,
        scope=policy.scopes.name(scope) if policy.scopes.all else "",
        fingerprint=hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12],
    )


def _refill(service: Service) -> facts.Refill:
    """Return the state of refills of an order that has not been placed."""
    return facts.Refill.AVAILABLE if service.allows_refill else facts.Refill.NOT_OFFERED


def _cases(quote: ServiceQuote) -> tuple[RefundCase, ...]:
    courses: dict[str, Course | None] = {
        "pending_cancel": quote.pending_cancel,
        "not_started": quote.not_started,
        "provider_canceled": quote.provider_canceled,
        "partial": quote.partial,
        "stopped_by_us": quote.stopped_by_us,
        "completed": quote.completed,
        "short": quote.short,
        "dropped": quote.dropped,
        "refill_failed": quote.refill_failed,
    }
    return tuple(
        RefundCase(name, tuple(map(_answer, course.steps)), course.age_of_order_matters)
        if course
        else RefundCase(name, (), age_of_order_matters=False)
        for name, course in courses.items()
    )


def _answer(step: Step) -> RefundAnswer:
    answer = step.answer
    return RefundAnswer(
        answer.refund.value, answer.approval.value, _portion(answer.cap), _portion(answer.fee), step.within_hours
    )


def _portion(portion: Portion | None) -> str:
    if portion is None:
        return ""
    return portion.words("").replace(" ", "") if portion.sum is None else money.plain(portion.sum)
