from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import Deposit, DepositState, Transfer
from panel.accounts import suspension
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from panel.web import queries
from tests.factories import AT, HOUR, make_customer, open_deposit, pay_in, receive_by_hand, send_due, withdraw
from tests.web import pages

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def _form(browser: Client, **typed: str) -> dict[str, str]:
    """Return the form as it stands in a browser, with these fields filled in."""
    page = browser.get("/balance/add/")
    return {"key": pages.hidden(page, "key"), "policy": pages.hidden(page, "policy"), **typed}


def _filled(**typed: str) -> dict[str, str]:
    """Return the form as it was when payments were still taken online."""
    policy = queries.policy_in_force(timezone.now())
    return {"key": str(uuid4()), "policy": str(policy.pk if policy else ""), **typed}


def _add(browser: Client, **typed: str) -> "pages.Response":
    return browser.post("/balance/add/", _form(browser, **typed))


def _page(deposit: Deposit) -> str:
    return f"/balance/add/{deposit.key}/"


@pytest.mark.usefixtures("payments")
def test_says_the_limits_and_who_sees_the_card_before_anything_is_typed(browser: Client) -> None:
    said = pages.text(browser.get("/balance/add/"))

    assert "From 5.00 USD to 10,000.00 USD. No fee is added." in said
    assert "Your card details never reach us." in said
    assert "25.00 USD 50.00 USD 100.00 USD" in said


@pytest.mark.usefixtures("payments", "credit_only_policy")
def test_says_before_paying_that_the_balance_is_not_paid_out(browser: Client) -> None:
    said = pages.text(browser.get("/balance/add/"))

    assert "How much? Your balance can be spent on orders and is not paid out to a payment method. 25.00 USD" in said


@pytest.mark.usefixtures("payments")
def test_says_nothing_of_the_kind_under_a_policy_that_pays_out(browser: Client) -> None:
    assert "not paid out" not in pages.text(browser.get("/balance/add/"))


@pytest.mark.usefixtures("payments")
def test_says_what_paying_accepts_and_keeps_that_with_the_time_and_the_address(browser: Client) -> None:
    policy = queries.policy_in_force(timezone.now())
    assert policy
    page = browser.get("/balance/add/")
    form = {"key": pages.hidden(page, "key"), "policy": pages.hidden(page, "policy"), "amount": "50"}

    with time_machine.travel(AT + 30 * HOUR, tick=False):
        browser.post("/balance/add/", form, REMOTE_ADDR="2001:db8::7")
        browser.post("/balance/add/", form, REMOTE_ADDR="203.0.113.7")

    deposit = Deposit.objects.get()
    since = f"{policy.effective_from:%-d %b %Y, %H:%M} UTC"
    assert f"Paying accepts the refund policy in force since {since} ." in pages.text(page)
    assert f"/refund-policy/{policy.pk}/" in pages.links(page)
    assert (deposit.policy_version, deposit.opened_from) == (policy.pk, "2001:db8::7")
    assert deposit.created_at == AT + 30 * HOUR


def test_goes_to_where_it_is_paid_and_comes_back_to_its_own_page(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    sent = _add(browser, amount="50")

    deposit = Deposit.objects.get()
    assert (sent.status_code, sent["Location"]) == (303, deposit.checkout_url)
    assert (deposit.customer, deposit.asked, deposit.state) == (ada, Decimal(50), DepositState.OPEN)
    assert payments.url in deposit.checkout_url
    assert not Transfer.objects.filter(deposit=deposit).exists()


@pytest.mark.usefixtures("payments")
def test_one_click_on_a_common_amount_is_enough(browser: Client) -> None:
    sent = _add(browser, choice="100.00")

    assert (sent.status_code, Deposit.objects.get().asked) == (303, Decimal(100))


@pytest.mark.usefixtures("payments")
def test_the_same_form_sent_twice_opens_one_deposit(browser: Client) -> None:
    form = _form(browser, amount="50")

    first, second = browser.post("/balance/add/", form), browser.post("/balance/add/", {**form, "amount": "50.00"})

    assert Deposit.objects.count() == 1
    assert first["Location"] == second["Location"]


@pytest.mark.usefixtures("payments")
def test_going_back_and_choosing_another_amount_opens_another_deposit(browser: Client) -> None:
    form = _form(browser)

    browser.post("/balance/add/", {**form, "choice": "25"})
    browser.post("/balance/add/", {**form, "choice": "100"})

    assert sorted(Deposit.objects.values_list("asked", flat=True)) == [Decimal(25), Decimal(100)]


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Give the amount, such as 20.00."),
        ("0", "Add at least 5.00 USD and at most 10,000.00 USD."),
        ("4.99", "Add at least 5.00 USD and at most 10,000.00 USD."),
        ("10000.01", "Add at least 5.00 USD and at most 10,000.00 USD."),
        ("20.001", "Use whole units of 0.01 USD."),
        ("-20", "Write the amount in digits"),
        ("20.1234567", "Write the amount in digits"),
        ("1e3", "Write the amount in digits"),
        ("20 EUR", "Write the amount in digits"),
        ("1,000", "Write the amount in digits"),
        ("\uff11\uff10", "Write the amount in digits"),
        ("2\x000", "Write the amount in digits"),
        ("NaN", "Write the amount in digits"),
        ("9" * 400, "Write the amount in digits"),
    ],
)
def test_refuses_a_bad_amount_beside_its_field(browser: Client, amount: str, words: str) -> None:
    answer = _add(browser, amount=amount)

    assert answer.status_code == 422
    assert words in pages.element(answer, "amount-error")
    assert b'aria-invalid="true"' in answer.content
    assert not Deposit.objects.exists()


@pytest.mark.usefixtures("payments")
def test_keeps_what_was_typed_and_escapes_it(browser: Client) -> None:
    answer = _add(browser, amount='"><script>alert(1)</script>')

    assert b"<script>alert" not in answer.content
    assert "&quot;&gt;&lt;script&gt;" in answer.content.decode()


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize("key", ["", "1", "x" * 36, "\x00"])
def test_a_form_without_a_good_key_opens_nothing(browser: Client, key: str) -> None:
    answer = browser.post("/balance/add/", {**_form(browser, amount="50"), "key": key})

    assert answer.status_code == 409
    assert not Deposit.objects.exists()


@pytest.mark.usefixtures("payments", "credit_only_policy")
def test_another_policy_than_the_one_shown_is_shown_first(browser: Client) -> None:
    form = _form(browser, amount="50")

    refused = browser.post("/balance/add/", {**form, "policy": "1"})
    taken = browser.post("/balance/add/", form)

    assert "The refund policy has changed. Nothing was charged" in pages.text(refused)
    assert taken.status_code == 303
    assert str(Deposit.objects.get().policy_version) == form["policy"]


def test_says_kindly_that_nothing_can_be_paid_in_online(browser: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    shown, sent = browser.get("/balance/add/"), browser.post("/balance/add/", _filled(amount="50"))

    assert "Paying in online is not set up on this panel yet." in pages.text(shown)
    assert f"mailto:{settings.SUPPORT_EMAIL}" in pages.links(shown)
    assert "Paying in online is not set up." in pages.text(sent)
    assert not Deposit.objects.exists()


@pytest.mark.usefixtures("payments")
def test_tells_a_suspended_customer_and_opens_nothing(browser: Client, ada: User) -> None:
    form = _form(browser, amount="50")
    suspension.suspend(user=ada, reason="A payment is disputed.", at=timezone.now())

    shown, sent = browser.get("/balance/add/"), browser.post("/balance/add/", form)

    assert "no funds can be added: A payment is disputed." in pages.text(shown)
    assert sent.status_code == 422
    assert "Your account is suspended: A payment is disputed." in pages.text(sent)
    assert not Deposit.objects.exists()


def test_a_gateway_that_does_not_answer_charges_nothing_and_the_form_works_again(
    browser: Client, payments: PaymentsSandbox
) -> None:
    form = _form(browser, amount="50")
    payments.fault("drop_before", path="/v1/checkout/sessions", method="POST", times=1)

    refused, again = browser.post("/balance/add/", form), browser.post("/balance/add/", form)

    assert refused.status_code == 409
    assert "Nothing was charged; please try again." in pages.text(refused)
    assert again.status_code == 303
    assert Deposit.objects.count() == 1


def test_coming_back_after_paying_credits_it_and_says_so(browser: Client, payments: PaymentsSandbox) -> None:
    _add(browser, amount="50")
    deposit = Deposit.objects.get()
    payments.pay(str(deposit.reference))

    said = pages.text(browser.get(_page(deposit)))

    assert "50.00 USD is on your balance." in said
    assert "Paid with Visa ending in 4242" in said
    assert "Your balance now 100.00 USD" in said
    assert Transfer.objects.filter(deposit=deposit).count() == 1


def test_says_when_another_amount_arrived(browser: Client, payments: PaymentsSandbox) -> None:
    _add(browser, amount="50")
    deposit = Deposit.objects.get()
    payments.pay(str(deposit.reference), amount_received=4500)

    said = pages.text(browser.get(_page(deposit)))

    assert "45.00 USD is on your balance. You had entered 50.00 USD; 45.00 USD is what arrived" in said


def test_coming_back_unpaid_offers_the_payment_page_again(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    deposit = open_deposit(ada)

    page = browser.get(_page(deposit))

    assert "We are waiting for your payment of 50.00 USD." in pages.text(page)
    assert deposit.checkout_url in pages.links(page)
    assert b'hx-trigger="every 3s"' in page.content
    assert payments.payments() == []


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("pay_later", "Your payment of 50.00 USD is on its way."),
        ("expire", "This payment was not made in time. Nothing was charged."),
    ],
)
def test_tells_what_became_of_it(browser: Client, ada: User, payments: PaymentsSandbox, way: str, words: str) -> None:
    deposit = open_deposit(ada)
    getattr(payments, way)(deposit.reference)

    page = browser.get(_page(deposit))

    assert words in pages.text(page)
    assert b"hx-trigger" not in page.content
    assert not Transfer.objects.filter(deposit=deposit).exists()


def test_a_delayed_payment_that_fails_says_that_nothing_was_added(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    deposit = pay_in(ada, payments, card="bank_debit_fails")
    payments.advance(7200)

    page = browser.get(_page(deposit))

    assert "The payment did not go through, and nothing was added." in pages.text(page)
    assert "/balance/add/?amount=50.00" in pages.links(page)


def test_a_gateway_that_is_away_does_not_break_the_page(browser: Client, ada: User, payments: PaymentsSandbox) -> None:
    deposit = open_deposit(ada)
    payments.fault("error_500_before", path="/v1/checkout/sessions")

    page = browser.get(_page(deposit))

    assert page.status_code == 200
    assert "We are waiting for your payment" in pages.text(page)


def test_the_page_renews_itself_only_when_something_is_new(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    deposit = open_deposit(ada)
    look = {"state": "open", "since": str(int(timezone.now().timestamp()))}

    waiting = browser.get(_page(deposit), look, headers=HTMX)
    payments.pay(str(deposit.reference))
    paid = browser.get(_page(deposit), look, headers=HTMX)

    assert (waiting.status_code, waiting.content) == (204, b"")
    assert paid.status_code == 286
    assert "50.00 USD is on your balance." in pages.text(paid)
    assert b"<h1" not in paid.content


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize("since", ["", "0", "x"])
def test_the_page_stops_asking_after_a_minute(browser: Client, ada: User, since: str) -> None:
    deposit = open_deposit(ada)

    answer = browser.get(_page(deposit), {"state": "open", "since": since}, headers=HTMX)

    assert answer.status_code == 286
    assert b"hx-trigger" not in answer.content
    assert "Look again" in pages.text(answer)


@pytest.mark.usefixtures("payments")
def test_a_deposit_of_another_customer_is_as_good_as_missing(browser: Client) -> None:
    foreign = open_deposit(make_customer("ben"))

    theirs, missing = browser.get(_page(foreign)), browser.get(f"/balance/add/{uuid4()}/")

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert pages.text(theirs) == pages.text(missing)


def test_visitors_are_sent_to_sign_in(client: Client) -> None:
    address = f"/balance/add/{uuid4()}/"

    page, part = client.get(address), client.get(address, headers=HTMX)

    assert page["Location"] == f"/accounts/login/?next={address}"
    assert part["HX-Redirect"] == f"/accounts/login/?next={address}"


@time_machine.travel(AT + 2 * HOUR, tick=False)  # a card takes money back for some months only
def test_the_list_tells_what_is_left_and_where_the_rest_went(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    send_due()

    page = browser.get("/balance/deposits/")

    assert f"Visa ending in 4242 Paid 30.00 USD 20.00 USD: withdrawal {withdrawal.pk} , paid" in pages.text(page)
    assert f"/balance/withdrawals/{withdrawal.pk}/" in pages.links(page)


def test_a_method_that_takes_nothing_back_has_nothing_left_to_go_back(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    deposit = pay_in(ada, payments)
    Deposit.objects.filter(pk=deposit.pk).update(method_gone=True)

    for address in ("/balance/deposits/", _page(deposit)):
        said = pages.text(browser.get(address))
        assert "0.00 USD The bank said that this method no longer takes money back." in said


def test_the_list_shows_only_ones_own_and_pages_on(
    browser: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(27):
        receive_by_hand(ada, "1")
    receive_by_hand(make_customer("ben"), "77")

    with django_assert_num_queries(4):
        first = browser.get("/balance/deposits/")
    older = next(link for link in pages.links(first) if "before=" in link)
    second = browser.get(older)

    assert (len(first.context["page"].deposits), len(second.context["page"].deposits)) == (25, 2)
    assert "77.00" not in pages.text(first) + pages.text(second)


def test_the_statement_links_each_deposit(browser: Client, ada: User, payments: PaymentsSandbox) -> None:
    deposit = pay_in(ada, payments)

    page = browser.get("/balance/")

    assert "Funds added +50.00 USD 100.00 USD" in pages.text(page)
    assert _page(deposit) in pages.links(page)
