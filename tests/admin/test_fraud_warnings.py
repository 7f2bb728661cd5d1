"""Fraud warnings' pages: the cases that wait, one case with its money and its refund, and what staff decide."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import FraudWarning, WarningState, Withdrawal
from orders.models import OrderStatus
from panel.accounts.models import SuspensionCause, User
from panel.sandbox.payments import PaymentsSandbox
from panel.staff_groups import AGENT, APPROVER
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.billing.money import moved
from tests.factories import HOUR, make_customer, make_service, make_staff, move, pay_in, place_order
from tests.factories.fraud_warnings import (
    OBSERVES,
    WARNED_AT,
    policy_that_refunds,
    take_warning,
    under,
    warn,
    warned,
    warned_by_policy,
)

pytestmark = pytest.mark.django_db
LATER = WARNED_AT + 5 * HOUR
WHY = {"reason": "She called us."}


@pytest.fixture
def ada() -> User:
    return make_customer()


@pytest.fixture
def client() -> Client:
    return signed_in(make_staff("jonas", group=APPROVER))


def listed(client: Client, **query: object) -> list[int]:
    return [row.pk for row in client.get(listing("billing_fraudwarning", **query)).context["cl"].result_list]


def opened(client: Client, case: FraudWarning) -> str:
    return text_of(client.get(detail("billing_fraudwarning", case.pk)))


def buttons(client: Client, case: FraudWarning) -> list[str]:
    page = client.get(detail("billing_fraudwarning", case.pk))
    return [button["title"] for button in page.context["actions_detail"]]


def do(client: Client, name: str, case: FraudWarning, **given: object) -> str:
    """Fill in the form of an action, send it, and return the case's page with what was said."""
    return said(client, submit(client, action("billing_fraudwarning", name, case.pk), {**WHY, **given}))


def held_and_refunding(payments: PaymentsSandbox, customer: User) -> FraudWarning:
    return warned(payments, under(policy_that_refunds(), pay_in(customer, payments, "50")))


def held_and_open(payments: PaymentsSandbox, customer: User) -> FraudWarning:
    """Return a case that holds the account although nothing was left to go back."""
    deposit = under(policy_that_refunds(), pay_in(customer, payments, "50"))
    move(place_order(customer, make_service(rate="50"), quantity=1000), OrderStatus.COMPLETED, remains=0)
    return warned(payments, deposit)


def test_the_list_is_what_waits_the_oldest_first(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    left_to_staff = [pay_in(ada, payments, "50") for _ in range(2)]
    second = take_warning(warn(payments, left_to_staff[0]), at=WARNED_AT + HOUR)
    first = take_warning(warn(payments, left_to_staff[1]))
    observed = warned(payments, under(warned_by_policy(OBSERVES), pay_in(ada, payments, "60")))
    refunding = held_and_refunding(payments, make_customer("ben"))
    do(client, "dismiss", second)

    assert listed(client) == [first.pk]
    assert listed(client, show="observed") == [observed.pk]
    assert listed(client, show="refunding") == listed(client, show="holds") == [refunding.pk]
    assert listed(client, show="dismissed") == [second.pk]
    assert listed(client, show="refunded") == []
    assert listed(client, show="all") == [refunding.pk, observed.pk, first.pk, second.pk]


def test_the_list_says_how_long_a_case_waits(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    older = take_warning(warn(payments, pay_in(ada, payments, "50")), at=LATER - timedelta(days=3))
    newer = take_warning(warn(payments, pay_in(ada, payments, "50")), at=LATER - HOUR)

    with time_machine.travel(LATER):
        page = text_of(client.get(listing("billing_fraudwarning")))
        assert listed(client) == [older.pk, newer.pk]

    assert ">3 days<" in page
    assert ">1 hour<" in page


@pytest.mark.parametrize("how", ["number", "reference", "email"])
def test_finds_a_case(payments: PaymentsSandbox, ada: User, client: Client, how: str) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))
    warned(payments, pay_in(make_customer("ben"), payments, "50"))
    term = {"number": case.pk, "reference": case.reference, "email": ada.email.upper()}[how]

    assert listed(client, q=term) == [case.pk]


def test_many_cases_cost_no_more_statements_than_few(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    paid = [pay_in(ada, payments, "50") for _ in range(3)]
    warned(payments, paid[0])
    listed(client)
    with CaptureQueriesContext(connection) as few:
        listed(client)
    for deposit in paid[1:]:
        warned(payments, deposit)

    with CaptureQueriesContext(connection) as many:
        assert len(listed(client)) == 3

    assert len(many) == len(few)


def test_the_page_shows_the_money_why_and_the_refund(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case = held_and_refunding(payments, ada)
    assert case.withdrawal is not None

    answer = client.get(detail("billing_fraudwarning", case.pk))

    (money,) = answer.context["panels_above"]
    assert list(money.rows[0]) == ["50.00 USD", "50.00 USD", "0.00 USD", "50.00 USD"]
    page = text_of(answer)
    assert "The policy refunds what is left of payments up to 100.00 USD." in page
    assert "50.00 USD goes back to the payment. The account is held." in page
    assert "New → Being refunded" in page
    assert "Held because of this case" in page
    assert f"Withdrawal {case.withdrawal.pk}" in page
    assert f"Deposit {case.deposit_id}" in page


def test_the_page_names_the_customers_other_cases(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case, other = (warned(payments, pay_in(ada, payments, "50")) for _ in range(2))
    of_ben = warned(payments, pay_in(make_customer("ben"), payments, "50"))

    page = opened(client, case)

    assert f">Fraud warning {other.pk}<" in page
    assert f">Fraud warning {of_ben.pk}<" not in page
    assert "None: nothing was sent because of this case." in page


def test_staff_refund_what_is_left(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))
    assert buttons(client, case) == ["Refund what is left…", "Dismiss…"]
    form = text_of(client.get(action("billing_fraudwarning", "refund", case.pk)))

    page = do(client, "refund", case)

    case.refresh_from_db()
    ada.refresh_from_db()
    assert "50.00 USD can go back as the balance stands." in form
    assert f"50.00 USD goes back to the payment. {ada} is not suspended." in page
    assert (case.state, case.refund, case.holds) == (WarningState.REFUNDING, Decimal(50), False)
    assert (Withdrawal.objects.get(), ada.is_suspended) == (case.withdrawal, False)
    assert case.events.latest("id").note.startswith("She called us.")
    assert buttons(client, case) == []


def test_staff_refund_and_hold_the_account(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))

    page = do(client, "refund", case, holds="on")

    case.refresh_from_db()
    ada.refresh_from_db()
    assert f"{ada} is suspended." in page
    assert (case.holds, ada.suspension_cause) == (True, SuspensionCause.FRAUD_WARNING)
    assert buttons(client, case) == ["Let the account go…"]


def test_where_nothing_is_left_the_form_says_why_and_nothing_moves(
    payments: PaymentsSandbox, ada: User, client: Client
) -> None:
    case = held_and_open(payments, ada)
    before = moved(ada)

    answer = submit(client, action("billing_fraudwarning", "refund", case.pk), WHY)

    assert answer.status_code == 200
    assert text_of(answer).count("balance has nothing of it") == 2  # beforehand, and when it was tried
    case.refresh_from_db()
    assert (case.state, moved(ada)) == (WarningState.OPEN, before)
    assert not Withdrawal.objects.exists()


def test_staff_dismiss_a_case_and_the_account_is_let_go(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case = held_and_open(payments, ada)
    assert buttons(client, case) == ["Refund what is left…", "Dismiss…", "Let the account go…"]

    page = do(client, "dismiss", case)

    case.refresh_from_db()
    assert f"The case is dismissed. {ada} is not suspended." in page
    assert (case.state, case.holds) == (WarningState.DISMISSED, False)
    assert buttons(client, case) == []


def test_staff_let_the_account_go_and_the_case_stays(payments: PaymentsSandbox, ada: User, client: Client) -> None:
    case = held_and_refunding(payments, ada)

    page = do(client, "release", case)

    case.refresh_from_db()
    assert f"This case holds the account no longer. {ada} is not suspended." in page
    assert (case.state, case.holds) == (WarningState.REFUNDING, False)
    assert "Not held" in page


@pytest.mark.parametrize("name", ["refund", "dismiss", "release"])
def test_each_asks_for_a_reason(payments: PaymentsSandbox, ada: User, client: Client, name: str) -> None:
    case = held_and_open(payments, ada)

    answer = submit(client, action("billing_fraudwarning", name, case.pk), {"reason": "  "})

    assert "This field is required." in text_of(answer)
    case.refresh_from_db()
    assert (case.state, case.holds, case.events.count()) == (WarningState.OPEN, True, 1)


@pytest.mark.parametrize("name", ["refund", "dismiss", "release"])
def test_agents_look_and_decide_nothing(payments: PaymentsSandbox, ada: User, name: str) -> None:
    case = held_and_open(payments, ada)
    agent = signed_in(make_staff("ivy", group=AGENT))

    assert buttons(agent, case) == []
    assert agent.get(action("billing_fraudwarning", name, case.pk)).status_code == 403
    assert agent.post(action("billing_fraudwarning", name, case.pk), {**WHY, "_asked": "1"}).status_code == 403
    case.refresh_from_db()
    assert (case.state, case.holds) == (WarningState.OPEN, True)


def test_nobody_decides_about_an_own_payment(payments: PaymentsSandbox) -> None:
    hiro = make_staff("hiro", group=APPROVER)
    case = warned(payments, pay_in(hiro, payments, "50"))

    answer = submit(signed_in(hiro), action("billing_fraudwarning", "dismiss", case.pk), WHY)

    assert "never about oneself" in text_of(answer)
    case.refresh_from_db()
    assert case.state == WarningState.OPEN


def test_whoever_may_not_see_withdrawals_does_not_see_the_refund_either(payments: PaymentsSandbox, ada: User) -> None:
    case = held_and_refunding(payments, ada)
    clerk_of_warnings = signed_in(clerk("billing.view_fraudwarning"))

    assert "The refund that it made" not in opened(clerk_of_warnings, case)
