"""Stripe's Disputes as the gateway's reports. Pure: no calls, no settings. May raise OutcomeUnknown."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from billing.gateways.base import DisputeReport, DisputeStanding
from billing.gateways.stripe.answers import Answer
from panel.kernel import money

_LONGEST_WORD: Final = 100

STANDINGS: Final = {
    "warning_needs_response": DisputeStanding.INQUIRY,
    "warning_under_review": DisputeStanding.INQUIRY,
    "warning_closed": DisputeStanding.CLOSED,
    "needs_response": DisputeStanding.NEEDS_RESPONSE,
    "under_review": DisputeStanding.UNDER_REVIEW,
    "appeal_needs_response": DisputeStanding.NEEDS_RESPONSE,
    "appeal_under_review": DisputeStanding.UNDER_REVIEW,
    "prevented": DisputeStanding.CLOSED,
    "won": DisputeStanding.WON,
    "lost": DisputeStanding.LOST,
}
_ANSWERED: Final = frozenset({"needs_response", "warning_needs_response", "appeal_needs_response"})


def dispute_report(dispute: Answer) -> DisputeReport:
    """Read a Dispute. A status that we don't know is reported as UNRECOGNIZED, with Stripe's word for it.

    What was taken and given back is the sum of its balance transactions. Those of an account that settles in another
    currency than customers pay in are converted ones; then each counts for the amount of the dispute itself.
    """
    currency = dispute.currency()
    amount = dispute.positive_amount("amount", currency)
    status = dispute.words("status", most=_LONGEST_WORD)
    lines = list(_lines(dispute))
    taken, given = _moved(lines, amount, currency)
    details = dispute.part_or_none("evidence_details")
    fields = details.fields if details else {}
    return DisputeReport(
        reference=dispute.text("id"),
        payment_reference=dispute.reference("payment_intent"),
        standing=STANDINGS.get(status, DisputeStanding.UNRECOGNIZED),
        status=status,
        amount=amount,
        currency=currency,
        withdrawn=max(taken - given, money.ZERO),
        reinstated=given,
        gave_last=_gave_last(lines),
        fee=_fee(lines, currency),
        reason=dispute.words("reason", most=_LONGEST_WORD),
        reason_code=_reason_code(dispute),
        is_appeal=status.startswith("appeal_"),
        due_by=details.instant("due_by") if details and status in _ANSWERED and fields.get("due_by") else None,
        has_evidence=fields.get("has_evidence") is True,
        submissions=details.whole("submission_count") if details and "submission_count" in fields else 0,
        opened_at=dispute.instant("created"),
    )


def _lines(dispute: Answer) -> Iterable[Answer]:
    found = dispute.fields.get("balance_transactions")
    for line in found if isinstance(found, list) else []:
        yield Answer(f"{dispute.name}.balance_transaction", line if isinstance(line, dict) else {})


def _moved(lines: Iterable[Answer], amount: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    taken, given = money.ZERO, money.ZERO
    for line in lines:
        settled = line.currency()
        moved = line.amount("amount", settled)
        size = abs(moved) if settled == currency else amount
        if moved < 0:
            taken += size
        elif moved > 0:
            given += size
    return taken, given


def _gave_last(lines: Sequence[Answer]) -> bool:
    """Whether the last line that moved money gave it back. Stripe lists them in the order in which they came."""
    moves = [amount for line in lines if (amount := line.amount("amount", line.currency()))]
    return bool(moves) and moves[-1] > 0


def _fee(lines: Iterable[Answer], currency: str) -> Decimal | None:
    """Return what is charged in all; None when it is charged in another currency: nothing is converted by guess."""
    total = money.ZERO
    for line in lines:
        settled = line.currency()
        fee = line.amount("fee", settled) if "fee" in line.fields else money.ZERO
        if fee and settled != currency:
            return None
        total += fee
    return max(total, money.ZERO)


def _reason_code(dispute: Answer) -> str:
    details = dispute.part_or_none("payment_method_details")
    card = details.part_or_none("card") if details else None
    return card.words("network_reason_code", most=_LONGEST_WORD) if card else ""
