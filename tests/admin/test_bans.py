"""Banning by hand from a customer's page, the list of what is blocked, and the badge of who waits for a person."""

import pytest
from django.db import transaction

from billing import bans
from panel.accounts import blocklist, suspension
from panel.accounts.models import BlockedIdentity, SuspensionCause, User
from panel.kernel.errors import Forbidden, Refused
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from panel.staff import sidebar
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_staff, pay_in

pytestmark = pytest.mark.django_db


def block_by_dispute(customer: User, *, dispute: int = 7) -> BlockedIdentity:
    with transaction.atomic():
        blocklist.block(
            [blocklist.of_email(customer.email)],
            customer=customer,
            reason="Dispute du_1 was lost.",
            dispute_ref=dispute,
            at=AT,
        )
    row: BlockedIdentity = BlockedIdentity.objects.get(customer=customer, dispute_ref=dispute)
    return row


def buttons(staff: User, customer: User) -> set[str]:
    found = signed_in(staff).get(detail("accounts_user", customer.pk)).context["actions_detail"]
    return {button["title"] for button in found}


def live(customer: User) -> int:
    return int(BlockedIdentity.objects.filter(customer=customer, lifted_at__isnull=True).count())


def test_a_manager_bans_and_lifts_with_reasons(payments: PaymentsSandbox) -> None:
    ada, manager = make_customer(), make_staff(group="Manager")
    deposit = pay_in(ada, payments)
    client = signed_in(manager)

    form = text_of(client.get(action("accounts_user", "ban", ada.pk)))
    page = said(client, submit(client, action("accounts_user", "ban", ada.pk), {"reason": "Stolen <cards>."}))

    assert "the e-mail address and 1 payment method are blocked" in form
    assert "Banned, 2 identities blocked: Stolen &lt;cards&gt;." in page
    ada.refresh_from_db()
    assert (ada.suspension_reason, ada.suspension_cause) == ("Stolen <cards>.", SuspensionCause.STAFF)
    rows = BlockedIdentity.objects.order_by("pk")
    assert [(row.value, row.author, row.dispute_ref) for row in rows] == [
        (ada.email, manager, None),
        (deposit.method_fingerprint, manager, None),
    ]
    assert Email.objects.filter(template="account_suspended").count() == 1
    assert "Lift ban…" in buttons(manager, ada)
    assert "Ban…" not in buttons(manager, ada)

    page = said(client, submit(client, action("accounts_user", "lift_ban", ada.pk), {"reason": "A mistake."}))

    assert "2 identities blocked by staff no more, and the account is open: A mistake." in page
    ada.refresh_from_db()
    assert (ada.is_suspended, live(ada)) == (False, 0)
    assert set(BlockedIdentity.objects.values_list("lifted_by", "lifted_because")) == {(manager.pk, "A mistake.")}


def test_lifting_a_ban_leaves_what_a_dispute_did() -> None:
    ada, grace = make_customer(), make_staff()
    block_by_dispute(ada)
    bans.ban(customer_id=ada.pk, reason="Fraud.", staff=grace, at=AT)
    suspension.suspend(user=User.objects.get(pk=ada.pk), reason="The bank asks.", cause=SuspensionCause.DISPUTE, at=AT)

    client = signed_in(grace)
    page = said(client, submit(client, action("accounts_user", "lift_ban", ada.pk), {"reason": "A mistake."}))

    assert "1 identity blocked by staff no more, and the account stays suspended: A mistake." in page
    ada.refresh_from_db()
    assert (ada.suspension_reason, live(ada)) == ("The bank asks.", 1)


def test_nobody_bans_without_a_reason_or_the_right_or_himself() -> None:
    ada, grace = make_customer(), make_staff()
    approver = make_staff(group="Approver")

    silent = submit(signed_in(grace), action("accounts_user", "ban", ada.pk), {"reason": " "})
    for name in ("ban", "lift_ban"):
        assert signed_in(approver).post(action("accounts_user", name, ada.pk), {"_asked": "1"}).status_code == 403
    own = submit(signed_in(grace), action("accounts_user", "ban", grace.pk), {"reason": "Tired."})
    for act in (bans.ban, bans.lift):
        with pytest.raises(Forbidden):
            act(customer_id=ada.pk, reason="So.", staff=approver, at=AT)
        with pytest.raises(Forbidden):
            act(customer_id=grace.pk, reason="So.", staff=grace, at=AT)
        with pytest.raises(Refused):
            act(customer_id=ada.pk, reason=" ", staff=grace, at=AT)

    assert list(silent.context["form"].errors) == ["reason"]
    assert "Nobody bans an own account" in text_of(own)
    assert not User.objects.filter(suspended_at__isnull=False).exists()
    assert not BlockedIdentity.objects.exists()
    assert not Email.objects.exists()


def test_lifting_what_was_not_blocked_says_so() -> None:
    ada = make_customer()
    suspension.suspend(user=ada, reason="Fraud.", at=AT)

    answer = submit(signed_in(make_staff()), action("accounts_user", "lift_ban", ada.pk), {"reason": "So."})

    assert "Staff have blocked nothing of this customer." in text_of(answer)
    ada.refresh_from_db()
    assert ada.is_suspended


def test_lists_what_is_blocked_and_finds_it_in_any_spelling() -> None:
    ada, ben = make_customer(), make_customer("ben")
    block_by_dispute(ada)
    client = signed_in(make_staff(group="Agent"))

    for query in ({}, {"q": ada.email.upper()}, {"q": ada.email.replace("@", "+x@")}, {"lifted": "no"}):
        page = text_of(client.get(listing("accounts_blockedidentity", **query)))
        assert ada.email in page
        assert "Dispute 7" in page
    for query in ({"q": ben.email}, {"q": "fp_none"}, {"lifted": "yes"}):
        assert "Dispute 7" not in text_of(client.get(listing("accounts_blockedidentity", **query)))
    assert "Dispute du_1 was lost." in text_of(client.get(detail("accounts_user", ada.pk)))


def test_lifts_one_row_with_a_reason() -> None:
    ada, manager = make_customer(), make_staff(group="Manager")
    row = block_by_dispute(ada)
    client = signed_in(manager)

    silent = submit(client, action("accounts_blockedidentity", "lift", row.pk), {"reason": " "})
    page = said(client, submit(client, action("accounts_blockedidentity", "lift", row.pk), {"reason": "Shared."}))

    assert list(silent.context["form"].errors) == ["reason"]
    assert "Lifted: Shared." in page
    row.refresh_from_db()
    assert (row.lifted_by, row.lifted_because) == (manager, "Shared.")
    assert client.get(detail("accounts_blockedidentity", row.pk)).context["actions_detail"] == []


def test_who_may_only_look_lifts_nothing_and_nobody_edits() -> None:
    row = block_by_dispute(make_customer())
    agent = signed_in(make_staff(group="Agent"))
    boss = signed_in(make_staff())

    assert agent.post(action("accounts_blockedidentity", "lift", row.pk), {"_asked": "1"}).status_code == 403
    assert boss.post(detail("accounts_blockedidentity", row.pk), {"value": "x"}).status_code == 403
    assert signed_in(clerk("accounts.view_user")).get(listing("accounts_blockedidentity")).status_code == 403

    row.refresh_from_db()
    assert row.is_live


def test_the_sidebar_counts_who_was_suspended_for_a_blocked_method_until_a_person_decides(
    payments: PaymentsSandbox,
) -> None:
    ada, ben, grace = make_customer(), make_customer("ben"), make_staff()
    pay_in(ada, payments)
    bans.ban(customer_id=ada.pk, reason="Fraud.", staff=grace, at=AT)
    assert badge(grace) is None

    pay_in(ben, payments)

    assert badge(grace) == "1"
    found = text_of(signed_in(grace).get(listing("accounts_user", suspension_cause__exact="blocked_method")))
    assert ben.email in found
    assert ada.email not in found
    bans.ban(customer_id=ben.pk, reason="Fraud.", staff=grace, at=AT)
    assert badge(grace) is None


def badge(staff: User) -> str | None:
    """What stands beside the customers in the sidebar."""
    request = signed_in(staff).get(listing("accounts_user")).wsgi_request
    items = [item for group in sidebar(request) for item in group["items"] if item["title"] == "Customers"]
    found: str | None = items[0].get("badge")
    return found
