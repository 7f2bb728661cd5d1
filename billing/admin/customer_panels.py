"""The tables below a customer: API keys by their visible start, latest sign-ins, deposits, withdrawals, transfers."""

from django.http import HttpRequest
from django.utils import timezone

from billing.admin import ban_actions, money_panels
from billing.admin.transfers import side
from billing.models import Transfer
from panel.accounts.admin.pages import Panel, action_link, amount, link, moment
from panel.accounts.models import StandingChange, User

_LATEST = 10


def of(request: HttpRequest, customer: User) -> list[Panel]:
    """Return what this member of staff may see of the customer, one query a panel."""
    found = [standing_changes(customer), _sign_ins(customer)]
    if request.user.has_perm("accounts.view_blockedidentity"):
        found.append(ban_actions.blocked_of(customer))
    if request.user.has_perm("accounts.view_apikey"):
        found.append(_keys(customer))
    if request.user.has_perm("billing.view_deposit"):
        found.append(money_panels.deposits(customer.pk, at=timezone.now()))
    if request.user.has_perm("billing.view_withdrawal"):
        found.append(money_panels.withdrawals(customer.pk))
    if request.user.has_perm("billing.view_transfer"):
        found.append(_transfers(customer))
    return found


def standing_changes(customer: User) -> Panel:
    """Return how the customer's standing changed, with the reasons: earlier flags, and who lifted them why."""
    rows = [
        (
            moment(change.at),
            str(change),
            "Measured"
            if change.changed_by_id is None
            else link("accounts_user", change.changed_by_id, change.changed_by),
            "; ".join(str(reason) for reason in change.reasons),
        )
        for change in StandingChange.objects.filter(user=customer).select_related("changed_by")[:_LATEST]
    ]
    return Panel("Changes of standing, the latest first", ("At (UTC)", "Change", "By", "Reasons"), rows)


def _sign_ins(customer: User) -> Panel:
    rows = [
        (moment(one.at), one.address or "-", one.get_way_display() or "-", one.user_agent or "-")
        for one in customer.sign_ins.all()[:_LATEST]
    ]
    return Panel("Latest sign-ins", ("At (UTC)", "Address", "How", "Browser"), rows)


def _keys(customer: User) -> Panel:
    rows = [
        (
            link("accounts_apikey", key.pk, key),
            key.name or "-",
            moment(key.created_at),
            moment(key.last_used_at),
            action_link("accounts_apikey", "revoke", key.pk, "Revoke…")
            if key.is_active
            else f"revoked {moment(key.revoked_at)}",
        )
        for key in customer.api_keys.all()[:_LATEST]
    ]
    return Panel("API keys", ("Key", "Name", "Created (UTC)", "Last used (UTC)", "State"), rows)


def _transfers(customer: User) -> Panel:
    transfers = Transfer.objects.filter(customer=customer).select_related("debit_account", "credit_account")
    rows = [
        (
            link("billing_transfer", transfer.pk, transfer.pk),
            moment(transfer.at),
            transfer.get_kind_display(),
            f"{side(transfer.debit_account)} → {side(transfer.credit_account)}",
            amount(transfer.amount),
            link("orders_order", transfer.order_ref, transfer.order_ref),
            transfer.reason or "-",
        )
        for transfer in transfers[:_LATEST]
    ]
    headers = ("Transfer", "At (UTC)", "Kind", "From → to", "Amount", "Order", "Reason")
    return Panel("Latest transfers", headers, rows)
