"""Customers' pages: money is moved once and with a reason, rights are not taken by those who lack them."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from billing.models import Account, CustomerAccount, Transfer
from panel.accounts import keys, suspension
from panel.accounts.models import ApiKey, Standing, StandingChange, User
from tests.admin.pages import action, clerk, detail, hidden_of, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_staff

pytestmark = pytest.mark.django_db


def balance(customer: User, kind: CustomerAccount = CustomerAccount.AVAILABLE) -> Decimal:
    account = Account.objects.filter(customer=customer, kind=kind).first()
    return account.balance or Decimal(0) if account else Decimal(0)


def test_credits_either_balance_and_notes_it_in_the_history() -> None:
    ada, staff = make_customer(), make_staff()
    client = signed_in(staff)
    address = action("accounts_user", "credit", ada.pk)

    page = said(client, submit(client, address, {"amount": "12.5", "account": "available", "reason": "goodwill"}))
    submit(client, address, {"amount": "3", "account": "promo", "reason": "welcome"})

    assert "Credited 12.50 USD: goodwill" in page
    assert (balance(ada), balance(ada, CustomerAccount.PROMO)) == (Decimal("12.5"), Decimal(3))
    assert Transfer.objects.get(reason="goodwill").author == staff
    assert LogEntry.objects.filter(object_id=ada.pk, user=staff, change_message__contains="goodwill").count() == 1


def test_a_form_that_is_sent_twice_credits_once() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    address = action("accounts_user", "credit", ada.pk)
    given = {
        **hidden_of(client.get(address)),
        "amount": "10",
        "account": "available",
        "reason": "goodwill",
    }

    for _ in range(2):
        assert client.post(address, given).status_code == 302

    assert balance(ada) == 10


def test_a_form_sent_again_with_another_amount_is_refused() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    address = action("accounts_user", "credit", ada.pk)
    given = {**hidden_of(client.get(address)), "amount": "10", "account": "available", "reason": "goodwill"}
    client.post(address, given)

    answer = client.post(address, {**given, "amount": "11"})

    assert "used before for something else" in text_of(answer)
    assert balance(ada) == 10


def test_debits_no_more_than_there_is() -> None:
    ada, client = make_customer(funds="5"), signed_in(make_staff())
    address = action("accounts_user", "debit", ada.pk)

    refused = submit(client, address, {"amount": "5.000001", "account": "available", "reason": "paid twice"})
    assert "Not enough funds on balance" in text_of(refused)
    submit(client, address, {"amount": "5", "account": "available", "reason": "paid twice"})

    assert balance(ada) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", ""),
        ("amount", "0"),
        ("amount", "-1"),
        ("amount", "1e3"),
        ("amount", "NaN"),
        ("amount", "\u0661\u0660"),
        ("amount", "1.0000001"),
        ("amount", "10000.01"),
        ("reason", ""),
        ("reason", "   "),
        ("reason", "x" * 301),
        ("account", "held"),
        ("key", "no key"),
    ],
)
def test_refuses_bad_input_beside_its_field_and_moves_nothing(field: str, value: str) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    before = Transfer.objects.count()

    answer = submit(
        client,
        action("accounts_user", "credit", ada.pk),
        {"amount": "1", "account": "available", "reason": "goodwill", field: value},
    )

    assert list(answer.context["form"].errors) == [field]
    assert Transfer.objects.count() == before


def test_nobody_credits_himself() -> None:
    staff = make_staff()
    client = signed_in(staff)

    answer = submit(
        client,
        action("accounts_user", "credit", staff.pk),
        {"amount": "1", "account": "available", "reason": "well earned"},
    )

    assert "never one&#x27;s own" in text_of(answer)
    assert balance(staff) == 0


def test_who_may_not_post_transfers_can_not_adjust() -> None:
    ada, client = make_customer(), signed_in(clerk("accounts.view_user", "accounts.change_user"))

    for name in ("credit", "debit"):
        assert client.get(action("accounts_user", name, ada.pk)).status_code == 403
        assert client.post(action("accounts_user", name, ada.pk), {"_asked": "1"}).status_code == 403
    titles = [button["title"] for button in client.get(detail("accounts_user", ada.pk)).context["actions_detail"]]
    assert titles == ["Change standing…", "Suspend…"]


def test_suspends_with_a_reason_and_lifts() -> None:
    ada, client = make_customer(), signed_in(make_staff())

    refused = submit(client, action("accounts_user", "suspend", ada.pk), {"reason": " "})
    assert "reason" in refused.context["form"].errors
    submit(client, action("accounts_user", "suspend", ada.pk), {"reason": "Chargeback."})
    ada.refresh_from_db()
    assert (ada.is_suspended, ada.suspension_reason) == (True, "Chargeback.")
    buttons = client.get(detail("accounts_user", ada.pk)).context["actions_detail"]
    assert [button["title"] for button in buttons] == [
        "Credit…",
        "Debit…",
        "Record a deposit…",
        "Change standing…",
        "Lift suspension",
        "Ban…",
    ]
    submit(client, action("accounts_user", "lift", ada.pk))

    ada.refresh_from_db()
    assert (ada.is_suspended, ada.suspension_reason) == (False, "")


def form_of(client: object, address: str) -> dict[str, object]:
    """Return what the change form holds."""
    form = client.get(address).context["adminform"].form  # type: ignore[attr-defined] # Django's test client
    return {name: form.get_initial_for_field(field, name) or "" for name, field in form.fields.items()}


def test_saves_the_account_without_touching_its_standing_nor_a_suspension_made_meanwhile() -> None:
    ada, client = make_customer(), signed_in(clerk("accounts.change_user"))
    given = form_of(client, detail("accounts_user", ada.pk))
    suspension.suspend(user=User.objects.get(pk=ada.pk), reason="Chargeback.", at=AT)

    given |= {"name": "Ada L.", "standing": "abuse_flagged", "is_active": "on"}
    answer = client.post(detail("accounts_user", ada.pk), given)

    assert answer.status_code == 302
    ada.refresh_from_db()
    assert (ada.name, ada.standing, ada.suspension_reason) == ("Ada L.", Standing.CLEAR, "Chargeback.")
    assert not StandingChange.objects.exists()


def test_raises_and_lifts_a_flag_with_reasons_that_the_next_one_reads() -> None:
    ada, staff = make_customer(), make_staff(group="Manager")
    client = signed_in(staff)
    address = action("accounts_user", "change_standing", ada.pk)

    said(client, submit(client, address, {"to": "abuse_flagged", "reason": "Five <claims> in a week"}))
    page = said(client, submit(client, address, {"to": "clear", "reason": "All of them were right"}))

    ada.refresh_from_db()
    assert ada.standing == Standing.CLEAR
    lifted, raised = StandingChange.objects.filter(user=ada)
    assert (raised.to_standing, raised.reasons, raised.changed_by) == (
        "abuse_flagged",
        ["Five <claims> in a week"],
        staff,
    )
    assert (lifted.to_standing, lifted.reasons) == ("clear", ["All of them were right"])
    assert "Five &lt;claims&gt; in a week" in page
    assert "Five <claims>" not in page
    assert "Flagged for abuse → Clear" in page


def test_refuses_a_standing_without_a_reason_or_of_no_kind() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    address = action("accounts_user", "change_standing", ada.pk)

    silent = submit(client, address, {"to": "fraud_suspected", "reason": " "})
    odd = submit(client, address, {"to": "saint", "reason": "He is one"})
    same = submit(client, address, {"to": "clear", "reason": "He is so already"})

    assert list(silent.context["form"].errors) == ["reason"]
    assert list(odd.context["form"].errors) == list(same.context["form"].errors) == ["to"]
    ada.refresh_from_db()
    assert ada.standing == Standing.CLEAR
    assert not StandingChange.objects.exists()


def test_who_may_not_change_customers_changes_no_standing() -> None:
    ada, client = make_customer(), signed_in(make_staff(group="Approver"))
    address = action("accounts_user", "change_standing", ada.pk)

    assert client.get(address).status_code == 403
    assert client.post(address, {"_asked": "1", "to": "abuse_flagged", "reason": "So"}).status_code == 403

    ada.refresh_from_db()
    assert ada.standing == Standing.CLEAR


def test_who_is_no_superuser_can_not_make_himself_one_nor_touch_staff() -> None:
    boss, ada = make_staff(), make_customer()
    me = clerk("accounts.view_user", "accounts.change_user")
    client = signed_in(me)
    rights = {"standing": "clear", "is_active": "on", "is_staff": "on", "is_superuser": "on", "email": "x@example.com"}

    for staff in (boss, me):
        assert client.post(detail("accounts_user", staff.pk), rights).status_code == 403
        assert client.post(action("accounts_user", "suspend", staff.pk), {"_asked": "1"}).status_code == 403
        assert client.get(reverse("admin:auth_user_password_change", args=[staff.pk])).status_code == 403
    client.post(detail("accounts_user", ada.pk), rights)

    ada.refresh_from_db()
    assert (ada.is_staff, ada.is_superuser) == (False, False)
    assert ada.email != "x@example.com"


def test_staff_add_a_customer_by_e_mail_address() -> None:
    client = signed_in(make_staff())
    address = reverse("admin:accounts_user_add")
    given = {"email": "New@Example.com", "name": "New", "usable_password": "true"}
    passphrase = {"password1": "a rather long passphrase", "password2": "a rather long passphrase"}

    assert client.get(address).status_code == 200
    assert client.post(address, {**given, **passphrase}).status_code == 302
    again = client.post(address, {**given, **passphrase})

    added = User.objects.get(email="new@example.com")
    assert added.check_password("a rather long passphrase")
    assert not added.is_staff
    assert "An account with this e-mail address exists." in text_of(again)


def test_a_customer_is_added_without_a_password_to_set_his_own() -> None:
    client = signed_in(make_staff())

    client.post(reverse("admin:accounts_user_add"), {"email": "new@example.com", "usable_password": "false"})

    assert not User.objects.get(email="new@example.com").has_usable_password()


def test_staff_set_a_password_and_never_see_one() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    address = reverse("admin:auth_user_password_change", args=[ada.pk])
    given = {"usable_password": "true", "password1": "another long passphrase", "password2": "another long passphrase"}

    assert client.get(address).status_code == 200
    assert client.post(address, given).status_code == 302

    ada.refresh_from_db()
    assert ada.check_password("another long passphrase")


def test_nobody_is_deleted() -> None:
    ada, client = make_customer(), signed_in(make_staff())

    assert client.post(reverse("admin:accounts_user_delete", args=[ada.pk]), {"post": "yes"}).status_code == 403
    client.post(listing("accounts_user"), {"action": "delete_selected", "_selected_action": [ada.pk], "post": "yes"})

    assert User.objects.filter(pk=ada.pk).exists()


def test_revokes_an_api_key_after_a_confirmation() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    key, _ = keys.create(user=ada, name="shop")
    address = action("accounts_apikey", "revoke", key.pk)

    client.get(address)
    key.refresh_from_db()
    assert key.is_active
    page = said(client, submit(client, address))

    assert not ApiKey.objects.get(pk=key.pk).is_active
    assert f"The key {key} is revoked." in page


def test_who_may_not_change_keys_revokes_none() -> None:
    key, _ = keys.create(user=make_customer())
    client = signed_in(clerk("accounts.view_apikey"))

    assert client.post(action("accounts_apikey", "revoke", key.pk), {"_asked": "1"}).status_code == 403

    key.refresh_from_db()
    assert key.is_active
