"""Who does what among staff, as groups of permissions: agents, approvers, managers. Each may do what the last one may.

Names and permissions are strings, as in the sidebar: this module is as low as `panel.staff`. A migration installs the
groups; afterwards they belong to the superusers, who alone add people to them and change them.
"""

from typing import Any, Final

from django.apps import apps

AGENT: Final = "Agent"
APPROVER: Final = "Approver"
MANAGER: Final = "Manager"

_AGENT: Final = (
    "refunds.view_refundrequest",
    "refunds.change_refundrequest",
    "refunds.open_refundrequest",
    "refunds.view_decision",
    "refunds.view_policyversion",
    "refunds.view_disputeevidence",
    "support.view_ticket",
    "support.change_ticket",
    "support.view_savedreply",
    "orders.view_order",
    "orders.view_orderevent",
    "orders.view_submission",
    "orders.view_cancelrequest",
    "orders.view_refill",
    "orders.add_refill",
    "orders.view_attentionitem",
    "accounts.view_user",
    "accounts.view_blockedidentity",
    "billing.view_deposit",
    "billing.view_withdrawal",
    "billing.view_dispute",
    "billing.view_transfer",
    "billing.view_fraudwarning",
    "notifications.view_email",
)
_APPROVER: Final = (
    *_AGENT,
    "refunds.confirm_refundrequest",
    "refunds.change_disputeevidence",
    "refunds.view_policydraft",
    "refunds.view_policybacktest",
    "refunds.add_policybacktest",
    "orders.change_order",
    "orders.change_attentionitem",
    "orders.change_refill",
    "orders.view_service",
    "orders.view_provider",
    "billing.change_withdrawal",
    "billing.change_fraudwarning",
)
_MANAGER: Final = (
    *_APPROVER,
    "refunds.add_policydraft",
    "refunds.change_policydraft",
    "refunds.publish_policyversion",
    "refunds.submit_disputeevidence",
    "accounts.change_user",
    "accounts.view_customergroup",
    "accounts.add_customergroup",
    "accounts.change_customergroup",
    "accounts.view_apikey",
    "accounts.add_blockedidentity",
    "accounts.change_blockedidentity",
    "billing.add_transfer",
    "billing.add_deposit",
    "billing.change_deposit",
    "billing.view_receipt",
    "billing.view_arrangement",
    "billing.change_arrangement",
    "billing.change_dispute",
    "billing.view_payout",
    "billing.change_payout",
    "billing.view_discrepancy",
    "billing.view_gatewayevent",
    "billing.change_gatewayevent",
    "notifications.change_email",
    "support.add_savedreply",
    "support.change_savedreply",
    "support.delete_savedreply",
)
PERMISSIONS: Final = {AGENT: _AGENT, APPROVER: _APPROVER, MANAGER: _MANAGER}


def install(models: Any = apps) -> None:  # noqa: ANN401 - the registry of the app or of a migration
    """Make the groups with their permissions, and add what an existing one lacks; nothing is taken from one.

    Permissions that Django has not made yet are made with the names that it gives them: it adds them after the last
    migration, and finds these. Those about models that a later migration makes are left to that one.
    """
    group_model = models.get_model("auth", "Group")
    for name, permissions in PERMISSIONS.items():
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.add(*(found for name in permissions if (found := _permission(models, name)) is not None))


def _permission(models: Any, permission: str) -> Any | None:  # noqa: ANN401
    app, codename = permission.split(".")
    model = codename.split("_", 1)[1]
    try:
        options = models.get_model(app, model)._meta  # noqa: SLF001 - Django's documented name for it
    except LookupError:
        return None
    names = {f"{verb}_{model}": f"Can {verb} {options.verbose_name_raw}" for verb in options.default_permissions}
    name = {**names, **dict(options.permissions)}.get(codename)
    if name is None:
        return None
    content_type, _ = models.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    found, _ = models.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return found
