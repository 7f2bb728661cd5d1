"""An order moved: decide by its policy version, store the decision, book the difference.

Settlement credits what is owed now minus what was credited before. It runs inside `orders.lifecycle.transition`, under
the order's lock, in a number of statements that does not grow with the batch.
"""

import functools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection

from billing import debts, ledger
from billing.models import House, TransferKind
from orders import refills
from orders.lifecycle import Moved
from orders.models import FINAL_STATUSES, Initiator, Order, RefillOffer
from panel.kernel import money
from refunds import bookings, by_hand, publishing, settlement_letters
from refunds.bookings import Books, Pot
from refunds.desk import following
from refunds.models import Decision, DecisionState, PolicyVersion
from refunds.policy import engine, facts, wording
from refunds.policy.clauses import Approval

_REFILLS = {offer: facts.Refill(offer.value) for offer in RefillOffer}
_HOUSE_POTS = {Pot.IN_PROGRESS: House.ORDERS_IN_PROGRESS.value, Pot.REVENUE: House.REVENUE.value}


@dataclass(frozen=True, slots=True)
class _Judged:
    """One order, what its policy says, and what is credited now (money scale)."""

    moved: Moved
    version: PolicyVersion
    facts: facts.Facts
    verdict: wording.Verdict
    credit: Decimal
    sentence: str

    @property
    def order(self) -> Order:
        """The order as it stands now; `refunded` is what was credited before this move."""
        return self.moved.order

    @property
    def waits(self) -> bool:
        """Whether a person looks first; with nothing to gain there is nothing to review."""
        return self.verdict.approval is Approval.REVIEW and self.verdict.owed > self.order.refunded


def settle(moved: Sequence[Moved], at: datetime) -> None:
    """Decide and book every move that ended an order (or corrected an ended one); open orders keep their charge.

    Called with the orders locked, in the transaction that moved them.
    """
    ended = [m for m in moved if m.order.is_final]
    if not ended:
        return
    customers = {m.order.customer_id for m in ended}
    standings = _standings(customers)
    before = credited_by_hand(ended)
    found = refill_facts(ended)
    judged = [
        _judge(
            m,
            facts_of(m, standings[m.order.customer_id], found[m.order.pk], at),
            before.get(m.order.pk, money.ZERO),
        )
        for m in ended
    ]
    _supersede(m.order.pk for m in ended if m.from_status in FINAL_STATUSES)
    decision_ids = _store(judged, at)
    accounts = ledger.lock_customers(customers)
    transfers = [
        transfer
        for one in judged
        for transfer in order_transfers(
            one.order,
            accounts[one.order.customer_id],
            credit=one.credit,
            held_back=one.verdict.owed - one.order.refunded if one.waits else money.ZERO,
            key=f"decision:{decision_ids[one.order.pk]}",
        )
    ]
    ledger.post(transfers, at=at)
    credited = [one for one in judged if one.credit > 0]
    debts.pay_first({one.order.customer_id: f"decision:{decision_ids[one.order.pk]}:debt" for one in credited}, at=at)
    settlement_letters.put(
        [_credited(one, decision_ids) for one in judged if one.moved.move.request_ref is None],
        credited_accounts={transfer.credit for transfer in transfers},
        at=at,
    )
    following.follow([_settled(one) for one in judged], at=at)


def order_transfers(
    order: Order, accounts: ledger.Balances, *, credit: Decimal, held_back: Decimal, key: str
) -> list[ledger.NewTransfer]:
    """Return the transfers that credit `credit` to the order's customer and recognize the rest but `held_back`.

    `key` starts the idempotency keys of the transfers; the order must be locked and freshly read.
    """
    books = Books(order.charge, order.charge_promo, order.refunded, order.recognized)
    account_of = {**_HOUSE_POTS, Pot.AVAILABLE: accounts.available_id, Pot.PROMO: accounts.promo_id}
    return [
        ledger.NewTransfer(
            key=f"{key}:{booking.source.value}:{booking.target.value}",
            kind=TransferKind.ORDER_DELIVERED if booking.target is Pot.REVENUE else TransferKind.ORDER_REFUND,
            debit=account_of[booking.source],
            credit=account_of[booking.target],
            amount=booking.amount,
            customer_id=order.customer_id,
            order_ref=order.pk,
        )
        for booking in bookings.settle(books, credit=credit, held_back=held_back)
    ]


def refill_facts(moved: Sequence[Moved]) -> dict[int, facts.Refill]:
    """Return by order whether it can be refilled, for `facts_of`; one statement at most.

    An order that ends just now was never refilled, so only those are looked up that are corrected.
    """
    corrected = refills.offers([m.order for m in moved if m.from_status in FINAL_STATUSES])
    return {m.order.pk: _REFILLS[corrected.get(m.order.pk) or refills.first_offer(m.order)] for m in moved}


def facts_of(moved: Moved, standing: facts.Standing, refill: facts.Refill, at: datetime) -> facts.Facts:
    """Translate a move into the policy's vocabulary. `at` is the time of the move."""
    order, move = moved.order, moved.move
    return facts.Facts(
        status=facts.Status(order.status),
        delivery=facts.delivery_of(order.quantity, _remains(order)),
        cause=facts.Cause(move.cause.value if move.cause else "delivered"),
        initiator=facts.Initiator(moved.initiator.value),
        terms=facts.Terms(order.terms),
        standing=standing,
        since_placed=facts.since_placed(at - order.placed_at),
        hours_since_final=facts.hours_since_final(at - order.final_at if order.final_at else None),
        refill=refill,
        service=order.service_id,
        category=order.category,
    )


def credited_by_hand(moved: Sequence[Moved]) -> dict[int, Decimal]:
    """Return what people made the orders credit before that staff move now, for `verdict_of`."""
    return by_hand.credited([m.order.pk for m in moved if m.initiator == Initiator.STAFF and m.order.refunded > 0])


def verdict_of(
    moved: Moved, version: PolicyVersion, found: facts.Facts, amounts: facts.Amounts, *, before: Decimal
) -> wording.Verdict:
    """Return what the policy says about a move. `before` is what people made the order credit until now.

    What members of staff make it credit above its limit, in one step or several, waits at the desk, where it takes a
    second person (docs/adr/0016). A move that the desk makes itself has had its two people.
    """
    policy = version.policy
    verdict = engine.decide(policy, found, amounts)
    limit = policy.review.confirm_above
    if moved.initiator != Initiator.STAFF or moved.move.request_ref is not None or limit is None:
        return verdict
    more = verdict.owed - moved.order.refunded
    above = more > 0 and before + more > limit
    return replace(verdict, approval=Approval.REVIEW) if above else verdict


def _judge(moved: Moved, found: facts.Facts, before: Decimal) -> _Judged:
    order = moved.order
    version = publishing.version(order.policy_version)
    amounts = facts.Amounts(order.charge, order.quantity, _remains(order))
    verdict = verdict_of(moved, version, found, amounts, before=before)
    books = Books(order.charge, order.charge_promo, order.refunded, order.recognized)
    automatic = verdict.approval is Approval.AUTOMATIC
    credit = bookings.due(books, verdict.owed) if automatic else money.ZERO
    sentence = wording.sentence(
        version.policy,
        verdict,
        amounts,
        settings.PANEL_CURRENCY,
        before=order.refunded,
    )
    return _Judged(moved, version, found, verdict, credit, sentence)


def _credited(one: _Judged, decision_ids: Mapping[int, int]) -> settlement_letters.Credited:
    order = one.order
    return settlement_letters.Credited(order.customer_id, order.pk, decision_ids[order.pk], one.credit, one.sentence)


def _settled(one: _Judged) -> following.Settled:
    move = one.moved.move
    return following.Settled(
        order=one.order,
        was_open=one.moved.from_status not in FINAL_STATUSES,
        version=one.version,
        facts=one.facts,
        clause=one.verdict.clause_id,
        owed=one.verdict.owed,
        before=one.order.refunded,
        credit=one.credit,
        waits=one.waits,
        sentence=one.sentence,
        cause=move.cause,
        initiator=one.moved.initiator,
        request_ref=move.request_ref,
    )


def _standings(customer_ids: Collection[int]) -> dict[int, facts.Standing]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, standing FROM accounts_user WHERE id = ANY(%s)", [list(customer_ids)])
        return {customer_id: facts.Standing(standing) for customer_id, standing in cursor.fetchall()}


@functools.lru_cache(maxsize=4096)
def _as_json(found: facts.Facts) -> str:
    """Return the facts as they are stored; a batch has few different ones."""
    return json.dumps(found.as_dict())


def _remains(order: Order) -> int:
    """Return the undelivered units of an ended order; lifecycle and a CHECK see to it that they are known."""
    if order.remains is None:
        message = f"order {order.pk} ended without remains"
        raise ValueError(message)
    return int(order.remains)


def _supersede(order_ids: Iterable[int]) -> None:
    """A later move answers the review that an earlier one asked for."""
    corrected = list(order_ids)
    if corrected:
        Decision.objects.filter(order__in=corrected, state=DecisionState.AWAITING_REVIEW).update(
            state=DecisionState.SUPERSEDED
        )


_INSERT_DECISIONS = """
    INSERT INTO refunds_decision
        (order_id, policy_version_id, policy_hash, clause, facts, refund, approval, remains, owed, credited, sentence,
         state, at, review_note)
    SELECT d.*, %s, '' FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::text[],
                                   %s::text[], %s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::text[]) AS d
    RETURNING order_id, id
"""


def _store(judged: Sequence[_Judged], at: datetime) -> dict[int, int]:
    """Insert the decisions in one statement and return their numbers by order."""
    rows = [
        (
            one.order.pk,
            one.version.pk,
            one.version.hash,
            one.verdict.clause_id,
            _as_json(one.facts),
            one.verdict.refund.value,
            one.verdict.approval.value,
            one.order.remains,
            one.verdict.owed,
            one.credit,
            one.sentence,
            (DecisionState.AWAITING_REVIEW if one.waits else DecisionState.SETTLED).value,
        )
        for one in judged
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_DECISIONS, [at, *(list(column) for column in zip(*rows, strict=True))])
        return dict(cursor.fetchall())
