"""Early fraud warnings, raised at the running sandbox and taken in, under policies that say what follows."""

from datetime import datetime

from billing.models import Deposit, FraudWarning
from panel.sandbox.payments import PaymentsSandbox
from refunds import fraud_warnings, publishing
from refunds.models import PolicyVersion
from refunds.policy import loader
from tests.factories.orders import AT

WARNED_AT = AT.replace(hour=AT.hour + 1)

REFUNDS = """\
action = "refund"
refund_up_to = "100.00"
hold_account = {hold}
title = "When a bank warns us"
text = "The payment goes back and the account may rest while we look."
passage = "our own"
"""
OBSERVES = 'action = "observe"\n'


def warned_by_policy(section: str, *, at: datetime = AT) -> PolicyVersion:
    """Put the guarantee in force with another section about fraud warnings."""
    text = loader.load_shipped("money-back-guarantee").text
    before, _, rest = text.partition("[fraud_warnings]")
    _, _, after = rest.partition("\n[contact]")
    changed = f"{before}[fraud_warnings]\n{section}\n[contact]{after}"
    return publishing.publish(text=changed, source="warned.toml", effective_from=at, at=at)


def policy_that_refunds(*, hold: bool = True) -> PolicyVersion:
    """Put a policy in force that refunds payments of up to 100.00."""
    return warned_by_policy(REFUNDS.format(hold=str(hold).lower()))


def under(version: PolicyVersion, deposit: Deposit) -> Deposit:
    """Let a deposit be judged by this version."""
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=version.pk)
    deposit.refresh_from_db()
    return deposit


def warn(payments: PaymentsSandbox, deposit: Deposit) -> str:
    """Warn of a deposit's payment at the gateway; return the warning's reference."""
    assert deposit.payment_reference
    return payments.warn_of_fraud(deposit.payment_reference)


def take_warning(reference: str, *, at: datetime = WARNED_AT) -> FraudWarning:
    """Ask the gateway about a warning and take in what it says."""
    return fraud_warnings.refresh(reference, gateway="stripe", at=at)


def warned(payments: PaymentsSandbox, deposit: Deposit) -> FraudWarning:
    """Warn of a deposit's payment and take that in."""
    return take_warning(warn(payments, deposit))
