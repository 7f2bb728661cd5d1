"""Disputes: keep what the gateway says of one, and bring the books to what that demands.

A report is applied only when nothing was recorded since before it was asked for (`version_of`), so reports take effect
in the order of what they saw. Whoever learns of something (webhook, poller, staff) comes through `lock` and `record`.
What happens to the account because of it is decided above (refunds.chargebacks).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from billing import dispute_booking, gateways, ledger
from billing.dispute_booking import Booked, Subject
from billing.gateways.base import DisputeReport, DisputeStanding
from billing.ledger import NewTransfer
from billing.models import Deposit, Dispute, DisputeEvent, Standing, TransferKind
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Busy, NotFound

_ASKED_AGAIN_AFTER: Final = timedelta(hours=1)
_ASKED_LATER_AFTER: Final = timedelta(days=1)
_CAN_STILL_CHANGE_FOR: Final = timedelta(days=365)


_RECORDED: Final = (
    "standing", "gateway_words", "is_appeal", "reason", "reason_code", "amount", "currency", "withdrawn", "reinstated",
    "fee_charged", "secured", "lost", "fee", "has_evidence", "submissions", "respond_by", "policy_version", "attention",
    "ended_at", "due_at", "version",
)  # fmt: skip


class NotKnown(NotFound):
    """The dispute is of a payment that we don't know, or don't know yet."""

    code = "dispute_not_known"


class Overtaken(Busy):
    """Something newer was recorded while the gateway was asked; ask again."""

    code = "dispute_overtaken"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says about money: whether the customer bears the gateway's fee for a lost dispute."""

    policy_version: int | None
    passes_fee_on: bool


def version_of(reference: str, *, gateway: str) -> int:
    """Return how often something was recorded of a dispute; 0 for a new one. Read it before asking the gateway."""
    found: int | None = (
        Dispute.objects.filter(gateway=gateway, reference=reference).values_list("version", flat=True).first()
    )
    return found or 0


def lock(report: DisputeReport, deposit: Deposit, *, seen: int, at: datetime) -> Dispute:
    """Lock the dispute's row, or insert it, in the caller's transaction. Raises Overtaken.

    `seen` is what `version_of` said before the report was asked for.
    """
    _require_transaction()
    Dispute.objects.bulk_create([_new(report, deposit, at)], ignore_conflicts=True)
    dispute: Dispute = Dispute.objects.locked().get(gateway=deposit.gateway, reference=report.reference)
    if dispute.version != seen:
        raise Overtaken("The dispute was looked at by somebody else in the meantime; it is asked for again.")
    return dispute


def record(dispute: Dispute, report: DisputeReport, terms: Terms, *, at: datetime) -> None:
    """Apply a report to a locked dispute: standing, amounts, transfers, and an event when something is new.

    Locks the deposit and then the accounts. The same report again changes nothing.
    """
    _require_transaction()
    deposit = Deposit.objects.locked().get(pk=dispute.deposit_id)
    before = Booked(dispute.secured, dispute.lost, dispute.fee)
    can_be_booked = report.currency == deposit.currency
    after = dispute_booking.due(report, passes_fee_on=terms.passes_fee_on) if can_be_booked else before
    standing = Standing(report.standing.value)
    is_new = dispute.version == 0
    changed = is_new or dispute.standing != standing or dispute.gateway_words != report.status[:100]
    dispute.version += 1
    moved = _post(dispute, before, after, at) if before != after else []
    if changed or moved:
        DisputeEvent.objects.create(
            dispute=dispute,
            at=at,
            from_standing="" if is_new else dispute.standing,
            to_standing=standing,
            gateway_words=report.status[:100],
            note=in_words(moved)[:300],
        )
    _copy(dispute, report, standing, after, terms, at)
    dispute.attention = _oddity(report, deposit)
    dispute.save(update_fields=_RECORDED)
    refresh_claims([deposit.pk])


def note(dispute: Dispute, words: str, *, at: datetime, actor: User | None = None) -> None:
    """Add to a dispute's timeline something that moved neither its standing nor money."""
    DisputeEvent.objects.create(
        dispute=dispute,
        at=at,
        from_standing=dispute.standing,
        to_standing=dispute.standing,
        gateway_words=dispute.gateway_words,
        note=words[:300],
        actor=actor,
    )


def ask_later(dispute_id: int, *, at: datetime) -> None:
    """Put off asking about a dispute that could not be read."""
    with transaction.atomic(durable=True):
        Dispute.objects.filter(pk=dispute_id, due_at__lte=at).update(due_at=at + _ASKED_AGAIN_AFTER)


def refresh_claims(deposit_ids: Sequence[int]) -> None:
    """Set what disputes claim of these deposits, as far as it was not paid back otherwise. The deposits are locked.

    Not more than is left: a payment can be refunded and disputed too, and then both have gone from what we have.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE billing_deposit d
            SET disputed = least(c.claimed, d.amount - d.refunded - d.reserved)
            FROM (
                SELECT deposit_id, sum(secured + lost) AS claimed
                FROM billing_dispute WHERE deposit_id = ANY(%s::bigint[]) GROUP BY deposit_id
            ) c
            WHERE d.id = c.deposit_id AND d.disputed <> least(c.claimed, d.amount - d.refunded - d.reserved)
            """,
            [list(deposit_ids)],
        )


def in_words(moved: Sequence[NewTransfer]) -> str:
    """Say what transfers of a dispute did, for its timeline."""
    return " ".join(_sentence(transfer) for transfer in moved)


_SENTENCES: Final = {
    TransferKind.DISPUTE_HELD: ("{amount} of the balance is held.", "{amount} is held as debt."),
    TransferKind.DISPUTE_RETURNED: ("{amount} is back on the balance.", "{amount} of debt is cleared."),
    TransferKind.DISPUTE_LOST: ("{amount} went to the bank.", ""),
    TransferKind.DISPUTE_REINSTATED: ("{amount} came back from the bank.", ""),
    TransferKind.DISPUTE_FEE: ("{amount} was charged as fee.", "{amount} of fee became debt."),
    TransferKind.DISPUTE_FEE_RETURNED: ("{amount} of fee was given back.", "{amount} of fee is owed no more."),
}


def _sentence(transfer: NewTransfer) -> str:
    of_balance, of_debt = _SENTENCES[transfer.kind]
    words = of_debt if transfer.key.endswith(":debt") else of_balance
    return words.format(amount=money.display(transfer.amount, settings.PANEL_CURRENCY))


def _new(report: DisputeReport, deposit: Deposit, at: datetime) -> Dispute:
    return Dispute(
        gateway=deposit.gateway,
        reference=report.reference,
        deposit=deposit,
        customer_id=deposit.customer_id,
        standing=Standing(report.standing.value),
        gateway_words=report.status[:100],
        amount=report.amount,
        currency=report.currency,
        opened_at=report.opened_at,
        first_seen_at=at,
    )


def _post(dispute: Dispute, before: Booked, after: Booked, at: datetime) -> list[NewTransfer]:
    wallet = ledger.lock_wallets([dispute.customer_id])[dispute.customer_id]
    subject = Subject(
        key=f"dispute:{dispute.pk}:{dispute.version}",
        customer_id=dispute.customer_id,
        deposit_id=dispute.deposit_id,
        clearing=gateways.get(dispute.gateway).describe().clearing.value,
    )
    moved = dispute_booking.transfers(before, after, wallet, subject)
    ledger.post(moved, at=at)
    return moved


def _copy(
    dispute: Dispute, report: DisputeReport, standing: Standing, after: Booked, terms: Terms, at: datetime
) -> None:
    dispute.standing = standing
    dispute.gateway_words = report.status[:100]
    dispute.is_appeal = report.is_appeal
    dispute.reason = report.reason
    dispute.reason_code = report.reason_code
    dispute.amount, dispute.currency = report.amount, report.currency
    dispute.withdrawn, dispute.reinstated = report.withdrawn, report.reinstated
    dispute.fee_charged = report.fee or money.ZERO
    dispute.secured, dispute.lost, dispute.fee = after.secured, after.lost, after.fee
    dispute.has_evidence, dispute.submissions = report.has_evidence, report.submissions
    dispute.respond_by = report.due_by
    dispute.policy_version = terms.policy_version
    dispute.ended_at = (dispute.ended_at or at) if standing.is_over else None
    dispute.due_at = _next_check(dispute, at)


def _oddity(report: DisputeReport, deposit: Deposit) -> str:
    """Say what a person has to look at; what is in another currency is not booked by guess."""
    if report.currency != deposit.currency and not Standing(report.standing.value).is_over:
        return f"The bank claims {money.display(report.amount, report.currency)}: nothing was booked for it."
    if report.standing is DisputeStanding.UNRECOGNIZED:
        return f"The gateway's word for how it stands is not known: {report.status}."
    return ""


def _next_check(dispute: Dispute, at: datetime) -> datetime | None:
    """Return when the gateway is asked again: what is decided can still be reversed, for a year."""
    if not Standing(dispute.standing).is_over:
        return at + _ASKED_AGAIN_AFTER
    over_for_good = at - dispute.opened_at > _CAN_STILL_CHANGE_FOR
    return None if over_for_good else at + _ASKED_LATER_AFTER


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        message = "disputes are recorded inside the caller's transaction"
        raise transaction.TransactionManagementError(message)
