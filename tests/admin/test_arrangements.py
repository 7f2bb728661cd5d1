"""Another way: proposed by staff, agreed to exactly as it was shown, or put back on the balance."""

from decimal import Decimal

import pytest
from django.test import Client

from billing import arrangements
from billing.models import Account, Arrangement, CustomerAccount, LegState, PayoutKind
from panel.accounts.models import User
from panel.notifications.models import Email
from tests.admin.furniture import case_of
from tests.admin.pages import action, clerk, confirm, detail, hidden_of, listing, said, signed_in, submit, text_of
from tests.factories import AT, fund, make_customer, make_staff

pytestmark = pytest.mark.django_db

PROPOSAL = {"kind": "bank", "destination": "DE02 1203 0000", "verification": "Passport, by video"}
VERBS = ["propose", "record_consent", "give_up"]


def address(verb: str, case: Arrangement) -> str:
    return action("billing_arrangement", verb, case.pk)


def proposed(case: Arrangement, destination: str = "DE02 1203 0000") -> Arrangement:
    return arrangements.propose(
        arrangement_id=case.pk,
        kind=PayoutKind.BANK,
        destination=destination,
        verification="Passport, by video",
        staff=make_staff(),
        at=AT,
    )


def held(customer: User) -> Decimal:
    return Account.objects.get(customer=customer, kind=CustomerAccount.HELD).balance or Decimal(0)


def leg_state(case: Arrangement) -> str:
    return Arrangement.objects.values_list("leg__state", flat=True).get(pk=case.pk)


def untouched(case: Arrangement) -> bool:
    now = Arrangement.objects.get(pk=case.pk)
    return (now.destination, now.consent_at, leg_state(case)) == (case.destination, None, LegState.ARRANGING)


def buttons(client: Client, case: Arrangement) -> list[str]:
    page = client.get(detail("billing_arrangement", case.pk))
    return [button["title"] for button in page.context["actions_detail"]]


def test_proposes_a_way_and_asks_the_customer() -> None:
    ada, staff = make_customer(funds="50"), make_staff()
    case, client = case_of(ada), signed_in(staff)
    assert buttons(client, case) == ["Propose…", "Put back on the balance…"]

    client.get(address("propose", case))
    assert untouched(case)
    page = said(client, submit(client, address("propose", case), PROPOSAL))

    case.refresh_from_db()
    assert (case.kind, case.destination, case.proposed_by) == ("bank", "DE02 1203 0000", staff)
    assert case.verification == "Passport, by video"
    assert f"Proposed to {ada.email}: Bank transfer: DE02 1203 0000." in page
    letter = Email.objects.get(to=ada.email, template="alternative_proposed")
    assert letter.context["destination"] == "Bank transfer ending in 0000"
    assert buttons(client, case) == ["Propose…", "Record consent…", "Put back on the balance…"]


@pytest.mark.parametrize("missing", ["destination", "verification"])
def test_a_proposal_needs_where_to_and_how_the_customer_was_verified(missing: str) -> None:
    case, client = case_of(make_customer(funds="50")), signed_in(make_staff())

    answer = submit(client, address("propose", case), {**PROPOSAL, missing: " "})

    assert "This field is required." in text_of(answer)
    assert untouched(case)


def test_records_a_consent_after_showing_what_was_agreed_to() -> None:
    ada, staff = make_customer(funds="50"), make_staff()
    case, client = proposed(case_of(ada)), signed_in(staff)

    preview = submit(client, address("record_consent", case), {"note": "By e-mail, ticket 42"})
    assert "Bank transfer: DE02 1203 0000" in text_of(preview)
    assert untouched(case)
    page = said(client, client.post(address("record_consent", case), hidden_of(preview)))

    case.refresh_from_db()
    assert (case.consent_by, case.consent_note) == (staff, "By e-mail, ticket 42")
    assert leg_state(case) == LegState.PLANNED
    assert "The consent is recorded: 20.00 USD to Bank transfer: DE02 1203 0000." in page
    assert buttons(client, case) == []


def test_a_consent_is_not_recorded_for_a_proposal_that_changed_since() -> None:
    case, client = proposed(case_of(make_customer(funds="50"))), signed_in(make_staff())
    preview = submit(client, address("record_consent", case), {"note": "By e-mail"})
    changed = proposed(case, "DE99 9999")

    answer = client.post(address("record_consent", case), hidden_of(preview))

    assert "What would happen has changed since you looked." in text_of(answer)
    assert "Bank transfer: DE99 9999" in text_of(answer)
    assert untouched(changed)


def test_there_is_no_consent_to_what_nobody_proposed() -> None:
    case, client = case_of(make_customer(funds="50")), signed_in(make_staff())

    answer = confirm(client, address("record_consent", case), {"note": "By e-mail"})

    assert "Support has not proposed a way yet." in text_of(answer)
    assert untouched(case)


def test_puts_the_money_back_on_the_balance() -> None:
    ada = make_customer(funds="50")
    case, client = case_of(ada), signed_in(make_staff())
    assert held(ada) == 20

    client.get(address("give_up", case))
    assert held(ada) == 20
    page = said(client, submit(client, address("give_up", case)))

    assert (held(ada), leg_state(case)) == (Decimal(0), "canceled")
    assert f"20.00 USD are back on the balance of {ada.email}." in page
    assert buttons(client, case) == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_settled_stays_settled(verb: str) -> None:
    ada = make_customer(funds="50")
    case, client = proposed(case_of(ada)), signed_in(make_staff())
    submit(client, address("give_up", case))

    answer = submit(client, address(verb, case), {**PROPOSAL, "note": "By e-mail"})
    if "_seen" in hidden_of(answer):
        answer = client.post(address(verb, case), hidden_of(answer))

    assert "This is settled already: it was agreed to, or put back on the balance." in text_of(answer)
    assert (held(ada), leg_state(case)) == (Decimal(0), "canceled")


@pytest.mark.parametrize("verb", ["propose", "record_consent"])
def test_nobody_arranges_another_way_for_himself(verb: str) -> None:
    me = make_staff()
    fund(me, "50")
    case, client = proposed(case_of(me)), signed_in(me)

    given = {**PROPOSAL, "destination": "My own", "note": "I agree with myself"}
    answer = submit(client, address(verb, case), given)
    if "_seen" in hidden_of(answer):
        answer = client.post(address(verb, case), hidden_of(answer))

    assert "Another way is arranged by staff, and never for oneself." in text_of(answer)
    assert untouched(case)


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_only_look_arranges_nothing(verb: str) -> None:
    case = proposed(case_of(make_customer(funds="50")))
    client = signed_in(clerk("billing.view_arrangement"))

    assert buttons(client, case) == []
    assert client.get(address(verb, case)).status_code == 403
    assert client.post(address(verb, case), {"_asked": "1", **PROPOSAL, "note": "x"}).status_code == 403
    assert untouched(case)


def test_the_list_shows_open_cases_the_oldest_first_and_finds_the_others() -> None:
    ada, grace = make_customer("ada", funds="50"), make_customer("grace", funds="50")
    first, second, done = case_of(ada, "10"), case_of(grace, "10"), case_of(ada, "10")
    client = signed_in(make_staff())
    submit(client, address("give_up", done))

    def listed(**query: object) -> list[Arrangement]:
        return list(client.get(listing("billing_arrangement", **query)).context["cl"].result_list)

    assert listed() == [first, second]
    assert listed(show="put_back") == [done]
    assert listed(show="agreed") == []
    assert listed(show="all") == [first, second, done]
    assert listed(q=ada.email) == [first, done]
    assert listed(q=second.leg.withdrawal_id) == [second]
