"""What the tests of chargebacks ask of accounts and disputes."""

from billing.models import Deposit, Dispute
from panel.accounts.models import User
from panel.notifications.models import Email
from refunds.models import PolicyVersion


def suspension(user: User) -> tuple[bool, str, str]:
    user.refresh_from_db()
    return user.is_suspended, user.suspension_cause, user.suspension_reason


def letters(user: User) -> list[str]:
    return list(Email.objects.filter(to=user.email).order_by("id").values_list("template", flat=True))


def paid_under(version: PolicyVersion, deposit: Deposit) -> Deposit:
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=version.pk)
    deposit.refresh_from_db()
    return deposit


def notes(dispute: Dispute) -> list[str]:
    return list(dispute.events.order_by("id").values_list("note", flat=True))
