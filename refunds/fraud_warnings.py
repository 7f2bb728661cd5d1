"""Early fraud warnings: a case for each, and what the policy of the payment says follows.

Webhook and poller both end in `take_in`. Case, account, orders and the refund that is to be sent change in one
transaction; the refund itself is sent by `billing.sending`, as any withdrawal is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from billing import deposit_lookup, gateways, warned_refunds, warning_cases
from billing.gateways.base import FraudWarningReport, Gateway, GatewayError
from billing.models import Deposit, FraudWarning, WarningAction, WarningState
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import NotFound, PanelError
from panel.locking import busy_when_locked
from panel.notifications import suspending
from refunds import chargebacks, warning_holds, warning_refunds
from refunds.models import PolicyVersion
from refunds.policy.document import OnWarning
from refunds.warning_refunds import Ground

log = structlog.get_logger()

LOOKS_BACK: Final = timedelta(days=7)
_NOT_ACTIONABLE: Final = "Nothing is refunded: the gateway says that the payment was refunded or disputed already."


class NotKnown(NotFound):
    """The warning is of a payment that we don't know, or don't know yet."""

    code = "fraud_warning_not_known"


@dataclass(frozen=True, slots=True)
class _Decision:
    action: WarningAction
    why: str
    version: PolicyVersion
    holds: bool = False


def refresh(reference: str, *, gateway: str, at: datetime) -> FraudWarning:
    """Read a warning anew at the gateway, and take it in. Raises NotKnown, Busy, GatewayError."""
    return take_in(gateways.get(gateway).fetch_fraud_warning(reference), gateway=gateway, at=at)


def take_in(report: FraudWarningReport, *, gateway: str, at: datetime) -> FraudWarning:
    """Open a case for a warning, once, and do what the policy says; later reports only say what they say anew.

    Raises NotKnown, Busy, GatewayError.
    """
    known: FraudWarning | None = FraudWarning.objects.filter(gateway=gateway, reference=report.reference).first()
    if known is not None and not _says_more(known, report):
        return known
    deposit = deposit_lookup.by_payment(report.payment_reference, gateway=gateway, at=at)
    if deposit is None:
        message = f"{report.reference} warns of no deposit of this panel."
        raise NotKnown(message)
    decision = _decide(deposit)
    with busy_when_locked(), transaction.atomic(durable=True):
        customer = suspending.locked(deposit.customer_id)  # one warning of a customer after the other, from here on
        case: FraudWarning | None = (
            FraudWarning.objects.locked().filter(gateway=gateway, reference=report.reference).first()
        )
        if case is None:
            case = _open(report, deposit, customer, decision, at)
            log.info("fraud_warning_taken_in", warning=case.pk, state=case.state, deposit=deposit.pk)
        elif _says_more(case, report):
            case.actionable = case.actionable and report.actionable
            case.fraud_type = report.fraud_type
            case.save(update_fields=["actionable", "fraud_type"])
    return case


def sweep(*, at: datetime) -> int:
    """Ask the gateways for the warnings of the last week, because webhooks get lost; return how many were told.

    One that can't be taken in is logged and comes again with the next sweep.
    """
    return sum(_sweep(gateway, at) for gateway in gateways.configured() if gateway.describe().is_remote)


def _sweep(gateway: Gateway, at: datetime) -> int:
    slug, told = gateway.describe().slug, 0
    try:
        for report in gateway.fraud_warnings(at - LOOKS_BACK):
            told += 1
            try:
                take_in(report, gateway=slug, at=at)
            except PanelError as error:
                log.warning("fraud_warning_not_taken_in", reference=report.reference, error=error.message)
    except GatewayError as error:
        log.warning("fraud_warnings_not_listed", gateway=slug, error=error.message)
    return told


def _says_more(case: FraudWarning, report: FraudWarningReport) -> bool:
    """Whether a report is news: a warning is never actionable again, so the order of reports does not matter."""
    return (case.actionable and not report.actionable) or case.fraud_type != report.fraud_type


def _decide(deposit: Deposit) -> _Decision:
    version = chargebacks.policy_of(deposit)
    rules = version.policy.on_warning
    if rules.action is OnWarning.OBSERVE:
        return _Decision(WarningAction.OBSERVE, "The policy of the payment only observes.", version)
    if rules.action is OnWarning.TELL_STAFF:
        return _Decision(WarningAction.TELL_STAFF, "The policy of the payment leaves it to staff.", version)
    limit = rules.refund_up_to or money.ZERO
    shown = money.display(limit, settings.PANEL_CURRENCY)
    if deposit.amount > limit:
        why = f"The payment is larger than {shown}, up to which the policy refunds without a person."
        return _Decision(WarningAction.TELL_STAFF, why, version)
    why = f"The policy refunds what is left of payments up to {shown}."
    return _Decision(WarningAction.REFUND, why, version, holds=rules.hold_account)


def _open(
    report: FraudWarningReport, deposit: Deposit, customer: User, decision: _Decision, at: datetime
) -> FraudWarning:
    case = FraudWarning(
        gateway=deposit.gateway,
        reference=report.reference,
        deposit=deposit,
        customer=customer,
        fraud_type=report.fraud_type,
        actionable=report.actionable,
        state=WarningState.OPEN,
        action=decision.action,
        why=decision.why[:300],
        policy_version=decision.version.pk,
        left=money.ZERO,
        warned_at=report.warned_at,
        created_at=at,
    )
    said = [decision.why]
    if decision.action == WarningAction.REFUND:
        said.append(_refund(case, customer, decision, at))
    else:
        case.left = warned_refunds.payable_now(deposit, at=at)
    if decision.action == WarningAction.OBSERVE:
        case.state, case.handled_at = WarningState.OBSERVED, at
    warning_cases.insert(case, " ".join(said))
    return case


def _refund(case: FraudWarning, customer: User, decision: _Decision, at: datetime) -> str:
    """Hold the account if the policy says so, and send what is left; return what is done in words."""
    ground = Ground.load(customer, case.deposit, holds=decision.holds, at=at)
    deposit, wallet = ground.clear(at=at)
    case.left = warned_refunds.payable(deposit, wallet, at=at)
    if case.actionable:
        said = warning_refunds.pay_back(case, deposit, wallet, policy_version=decision.version.pk, at=at)
    else:
        said = _NOT_ACTIONABLE
    if case.withdrawal is not None:
        case.state, case.handled_at = WarningState.REFUNDING, at
    if decision.holds:
        case.holds = True
        warning_holds.hold(customer, at=at)
        said += " The account is held."
    return said
