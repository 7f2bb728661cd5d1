"""Withdrawals' pages: the queue by what was promised, and a review that moves money once and never one's own."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from billing.models import Account, CustomerAccount, LegState, Withdrawal, WithdrawalState
from billing.models.withdrawal import PROMISED
from panel.accounts import suspension
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.admin.furniture import begin, furnish_money, lose_sight
from tests.admin.holding import held_by_somebody
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_staff, only_leg, pay_in, receive_by_hand, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is two hours after the requests, all of which were made on Monday, November 2, 2026."""
    with time_machine.travel(AT + timedelta(hours=2), tick=False) as traveller:
        yield traveller


def in_review(customer: User) -> Withdrawal:
    """A withdrawal of 250.00 USD, which is more than the policy lets go without a look."""
    receive_by_hand(customer, "300")
    withdrawal = withdraw(customer, "250")
    assert withdrawal.state == WithdrawalState.IN_REVIEW
    return withdrawal


def balances(customer: User) -> dict[str, Decimal]:
    accounts = Account.objects.filter(customer=customer, kind__in=[CustomerAccount.AVAILABLE, CustomerAccount.HELD])
    return {account.kind: account.balance or Decimal(0) for account in accounts}


def listed(client: Client, **query: object) -> list[int]:
    rows = client.get(listing("billing_withdrawal", **query)).context["cl"].result_list
    return [row.pk for row in rows]


def buttons(client: Client, withdrawal: Withdrawal) -> list[str]:
    page = client.get(detail("billing_withdrawal", withdrawal.pk))
    return [button["title"] for button in page.context["actions_detail"]]


def test_approves_after_a_confirmation_that_shows_where_the_money_goes() -> None:
    ada, staff = make_customer(), make_staff()
    withdrawal, client = in_review(ada), signed_in(staff)
    address = action("billing_withdrawal", "approve", withdrawal.pk)

    asked = text_of(client.get(address))
    assert "250.00 USD will go back to" in asked
    assert "Bank transfer, deposit" in asked
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW
    page = said(client, submit(client, address))

    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.reviewed_by) == (WithdrawalState.SCHEDULED, staff)
    assert f"Withdrawal {withdrawal.pk} is approved: scheduled." in page
    assert LogEntry.objects.filter(object_id=withdrawal.pk, change_message__contains="is approved").count() == 1
    assert buttons(client, withdrawal) == []


def test_declines_with_a_reason_and_the_money_is_back() -> None:
    ada, staff = make_customer(), make_staff()
    withdrawal, client = in_review(ada), signed_in(staff)
    assert balances(ada) == {"available": Decimal(50), "held": Decimal(250)}

    page = said(
        client, submit(client, action("billing_withdrawal", "decline", withdrawal.pk), {"reason": "Spend it first."})
    )

    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.decline_reason) == (WithdrawalState.DECLINED, "Spend it first.")
    assert withdrawal.reviewed_by == staff
    assert balances(ada) == {"available": Decimal(300), "held": Decimal(0)}
    assert f"Withdrawal {withdrawal.pk} is declined, and 250.00 USD are back on the balance." in page


def test_a_decline_without_a_reason_moves_nothing() -> None:
    ada = make_customer()
    withdrawal, client = in_review(ada), signed_in(make_staff())

    answer = submit(client, action("billing_withdrawal", "decline", withdrawal.pk), {"reason": "  "})

    assert "This field is required." in text_of(answer)
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW
    assert balances(ada) == {"available": Decimal(50), "held": Decimal(250)}


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_nobody_reviews_a_withdrawal_of_his_own(verb: str) -> None:
    me = make_staff()
    withdrawal = in_review(me)
    client, letters = signed_in(me), Email.objects.count()

    answer = submit(client, action("billing_withdrawal", verb, withdrawal.pk), {"reason": "Mine."})

    assert "Withdrawals are reviewed by staff, and never one&#x27;s own." in text_of(answer)
    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.reviewed_by) == (WithdrawalState.IN_REVIEW, None)
    assert balances(me) == {"available": Decimal(50), "held": Decimal(250)}
    assert Email.objects.count() == letters


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_a_second_review_is_told_that_somebody_was_first(verb: str) -> None:
    ada = make_customer()
    withdrawal, client = in_review(ada), signed_in(make_staff())
    submit(client, action("billing_withdrawal", "decline", withdrawal.pk), {"reason": "No."})

    answer = submit(client, action("billing_withdrawal", verb, withdrawal.pk), {"reason": "Again."})

    assert "This withdrawal is not in review: it is declined." in text_of(answer)
    withdrawal.refresh_from_db()
    assert withdrawal.decline_reason == "No."
    assert balances(ada) == {"available": Decimal(300), "held": Decimal(0)}


def test_nothing_is_approved_for_an_account_that_is_suspended() -> None:
    ada = make_customer()
    withdrawal, client = in_review(ada), signed_in(make_staff())
    suspension.suspend(user=User.objects.get(pk=ada.pk), reason="Chargeback.", at=AT)

    answer = submit(client, action("billing_withdrawal", "approve", withdrawal.pk))

    assert answer.status_code == 200
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW


@pytest.mark.parametrize("verb", ["approve", "decline", "look_up"])
def test_who_may_only_look_does_nothing(verb: str) -> None:
    ada = make_customer()
    withdrawal, client = in_review(ada), signed_in(clerk("billing.view_withdrawal"))
    address = action("billing_withdrawal", verb, withdrawal.pk)

    assert client.get(detail("billing_withdrawal", withdrawal.pk)).status_code == 200
    assert buttons(client, withdrawal) == []
    assert client.get(address).status_code == 403
    assert client.post(address, {"_asked": "1", "reason": "No."}).status_code == 403

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW


@pytest.mark.django_db(transaction=True)
def test_a_review_that_meets_the_customers_cancel_waits_and_says_so() -> None:
    ada = make_customer()
    withdrawal, client = in_review(ada), signed_in(make_staff())
    address = action("billing_withdrawal", "approve", withdrawal.pk)

    with held_by_somebody(withdrawal):
        answer = submit(client, address)

    assert "The panel is busy, please try again." in text_of(answer)
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW
    assert submit(client, address).status_code == 302


def test_looks_up_a_part_that_nobody_knows_about_and_sends_nothing(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    lose_sight(withdrawal)
    leg = only_leg(withdrawal)
    address = action("billing_withdrawal", "look_up", withdrawal.pk)

    page = said(client, submit(client, address))

    assert f"Part {leg.pk} is still being checked. The gateway has no such refund so far." in page
    assert payments.refunds() == []
    assert only_leg(withdrawal).state == LegState.UNKNOWN


def test_looks_up_a_part_that_was_sent_and_records_it(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    payments.fault("drop_after", path="/v1/refunds", times=1)
    begin(withdrawal)
    assert only_leg(withdrawal).state == LegState.UNKNOWN
    address = action("billing_withdrawal", "look_up", withdrawal.pk)

    client.get(address)
    assert only_leg(withdrawal).state == LegState.UNKNOWN
    page = said(client, submit(client, address))

    leg = only_leg(withdrawal)
    assert leg.state == LegState.PAID
    assert f"part {leg.pk} is paid now (was being checked)" in page
    assert balances(ada) == {"available": Decimal(30), "held": Decimal(0)}
    assert len(payments.refunds()) == 1


def test_a_gateway_that_does_not_answer_changes_nothing(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    begin(withdrawal)
    payments.fault("error_500_before", times=50)
    before = only_leg(withdrawal)

    page = said(client, submit(client, action("billing_withdrawal", "look_up", withdrawal.pk)))

    assert f"Part {before.pk} is still {before.get_state_display().lower()}." in page
    assert only_leg(withdrawal).due_at == before.due_at


def test_the_list_begins_with_what_was_promised_first(clock: time_machine.Traveller) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    receive_by_hand(ada, "1000")
    later = withdraw(ada, "10", at=AT + timedelta(days=3))
    first = withdraw(ada, "10")
    second = withdraw(ada, "10")
    reviewed = withdraw(ada, "250", at=AT + timedelta(days=1))
    clock.move_to(AT + timedelta(days=7, hours=20))

    assert listed(client) == [first.pk, second.pk, reviewed.pk, later.pk]
    assert listed(client, show="in_review") == [reviewed.pk]
    assert listed(client, show="overdue") == [first.pk, second.pk]
    assert listed(client, show="all") == [reviewed.pk, second.pk, first.pk, later.pk]


def test_each_tab_shows_its_part_and_junk_shows_what_is_open() -> None:
    furnish_money(1)
    client = signed_in(make_staff())
    states = dict(Withdrawal.objects.values_list("pk", "state"))
    arranging = set(Withdrawal.objects.filter(legs__state=LegState.ARRANGING).values_list("pk", flat=True))

    for state in ("in_review", "unknown", "paid", "failed", "declined", "canceled", "sent"):
        assert set(listed(client, show=state)) == {pk for pk, at in states.items() if at == state}, state
    promised = {pk for pk, at in states.items() if at in PROMISED}
    assert set(listed(client)) == promised == set(listed(client, show="junk"))
    assert set(listed(client, show="to_arrange")) == arranging
    assert len(arranging) == 2
    assert set(listed(client, show="all")) == set(states)


def test_a_search_reaches_withdrawals_that_are_over(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    pay_in(ada, payments)
    withdrawal, other = withdraw(ada, "20"), in_review(make_customer("grace"))
    begin(withdrawal)
    assert listed(client) == [other.pk]

    for term in (withdrawal.pk, ada.email.upper(), only_leg(withdrawal).reference):
        assert listed(client, q=term) == [withdrawal.pk], term
    assert listed(client, q=ada.email, show="in_review") == []


@pytest.mark.parametrize(
    ("days", "words", "urgent"),
    [
        (0, "in 5 business days", False),
        (6, "tomorrow", False),
        (7, "today", False),
        (8, "Overdue: yesterday", True),
        (10, "Overdue: 2 business days ago", True),
    ],
)
def test_the_promise_is_told_in_business_days(
    clock: time_machine.Traveller, *, days: int, words: str, urgent: bool
) -> None:
    withdrawal = in_review(make_customer())
    client = signed_in(make_staff())
    clock.move_to(AT + timedelta(days=days))

    assert words in text_of(client.get(listing("billing_withdrawal")))
    assert f"Monday, November 9 ({words})" in text_of(client.get(detail("billing_withdrawal", withdrawal.pk)))
    assert listed(client, show="overdue") == ([withdrawal.pk] if urgent else [])


def test_what_is_over_counts_down_no_more(clock: time_machine.Traveller) -> None:
    ada, staff = make_customer(), make_staff()
    withdrawal, client = in_review(ada), signed_in(staff)
    submit(client, action("billing_withdrawal", "decline", withdrawal.pk), {"reason": "No."})
    clock.move_to(AT + timedelta(days=12))

    for address in (detail("billing_withdrawal", withdrawal.pk), listing("billing_withdrawal", show="declined")):
        page = text_of(client.get(address))
        assert "Monday, November 9" in page or "2026-11-09" in page
        assert "Overdue: " not in page
        assert "business days ago" not in page


def test_the_page_says_what_a_reviewer_has_to_know(payments: PaymentsSandbox) -> None:
    ada, client = make_customer("ada", promo="5"), signed_in(make_staff())
    pay_in(ada, payments, "400")
    begin(withdraw(ada, "30"))
    withdrawal = withdraw(ada, "250")

    page = client.get(detail("billing_withdrawal", withdrawal.pk))

    panels = {panel.title: panel for panel in page.context["panels"]}
    who, wealth = panels["The customer"], panels["Money of the customer"]
    assert dict(zip(wealth.headers, wealth.rows[0], strict=True)) == {
        "Paid in, in all": "400.00 USD",
        "Paid back, in all": "30.00 USD",
        "On its way back": "250.00 USD",
        "Available balance": "120.00 USD",
        "Held balance": "250.00 USD",
        "Promotional balance": "5.00 USD",
        "Debt balance": "0.00 USD",
    }
    known = dict(zip(who.headers, who.rows[0], strict=True))
    assert (known["Standing"], known["Suspended"], known["Deposits failed"]) == ("Clear", "No", "0")
    assert known["First deposit paid (UTC)"] == "2026-11-02 12:00:00"
    assert [row[2] for row in panels["Timeline, the latest first"].rows] == ["New → In review"]
    assert len(panels["Latest withdrawals"].rows) == 2
    assert [row[2] for row in panels["Transfers"].rows] == ["Withdrawal"]
    assert "checked by a person first" in text_of(page)
    assert buttons(client, withdrawal) == ["Approve…", "Decline…"]
