"""Refills on the staff pages: asked for on the order's page, settled on their own, listed by what waits."""

import pytest
from django.urls import reverse

from orders import attention
from orders.attention import Concern
from orders.models import AttentionKind, Initiator, Passing, Refill, RefillState
from panel.accounts.models import User
from panel.staff_groups import AGENT, APPROVER
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_provider, make_staff
from tests.factories.desk import completed
from tests.factories.refills import bring, end, refill_of, refillable

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return make_staff("hiro", AGENT)


@pytest.fixture
def approver() -> User:
    return make_staff("ida", APPROVER)


def on_the_way(way: Passing) -> Refill:
    return bring(refill_of(refillable(provider=make_provider())), way)


def address(refill: Refill, name: str) -> str:
    return action("orders_refill", name, refill.pk)


def test_an_agent_asks_for_a_customer_who_wrote_in(agent: User) -> None:
    order, client = refillable(), signed_in(agent)
    ask = action("orders_order", "ask_refill", order.pk)
    assert ask in text_of(client.get(detail("orders_order", order.pk)))

    page = said(client, submit(client, ask))

    refill = Refill.objects.get()
    assert (refill.order, refill.initiator, refill.actor) == (order, Initiator.STAFF, agent)
    assert f"Refill {refill.pk} is asked for: carried out by staff." in page
    assert ask not in page
    assert detail("orders_refill", refill.pk) in page


def test_a_refusal_stands_in_the_form(agent: User) -> None:
    order, client = completed(), signed_in(agent)

    page = text_of(submit(client, action("orders_order", "ask_refill", order.pk)))

    assert "The service of this order offers no refill." in page
    assert action("orders_order", "ask_refill", order.pk) not in text_of(client.get(detail("orders_order", order.pk)))
    assert not Refill.objects.exists()


def test_whoever_only_looks_at_orders_is_not_offered_it() -> None:
    order, client = refillable(), signed_in(clerk("orders.view_order"))
    ask = action("orders_order", "ask_refill", order.pk)

    assert ask not in text_of(client.get(detail("orders_order", order.pk)))
    assert client.post(ask, {"_asked": "1"}).status_code == 403
    assert not Refill.objects.exists()


def test_says_how_a_refill_carried_out_by_staff_ended(approver: User) -> None:
    refill, client = refill_of(refillable()), signed_in(approver)

    page = said(client, submit(client, address(refill, "settle"), {"to": "completed", "note": "40 more"}))

    refill.refresh_from_db()
    assert (refill.state, refill.settled_by, refill.detail) == (RefillState.COMPLETED, approver, "40 more")
    assert f"Refill {refill.pk} is completed: 40 more" in page
    assert address(refill, "settle") not in page


@pytest.mark.parametrize("given", [{"to": "completed", "note": " "}, {"to": "pending", "note": "x"}, {"note": "x"}])
def test_settles_nothing_without_an_outcome_and_a_note(approver: User, given: dict[str, str]) -> None:
    refill, client = refill_of(refillable()), signed_in(approver)

    assert submit(client, address(refill, "settle"), given).status_code == 200

    refill.refresh_from_db()
    assert refill.is_live


def test_a_call_that_was_not_answered_is_found_at_the_provider(approver: User) -> None:
    refill, client = on_the_way(Passing.UNKNOWN), signed_in(approver)

    page = said(client, submit(client, address(refill, "found_at_provider"), {"provider_refill_id": "8001"}))

    refill.refresh_from_db()
    assert (refill.passing, refill.provider_refill_id) == (Passing.ACCEPTED, "8001")
    assert "the provider&#x27;s number 8001" in page


def test_or_is_not_there_and_is_asked_for_once_more(approver: User) -> None:
    refill, client = on_the_way(Passing.UNKNOWN), signed_in(approver)

    page = said(client, submit(client, address(refill, "not_at_provider")))

    refill.refresh_from_db()
    assert refill.passing == Passing.WAITING
    assert "it is asked for once more" in page


@pytest.mark.parametrize(
    ("way", "offered"),
    [
        (Passing.WAITING, {"settle"}),
        (Passing.CALLING, set()),
        (Passing.ACCEPTED, {"settle"}),
        (Passing.REFUSED, set()),
        (Passing.UNKNOWN, {"settle", "found_at_provider", "not_at_provider"}),
    ],
)
def test_offers_what_fits(approver: User, way: Passing, offered: set[str]) -> None:
    refill = on_the_way(way)

    page = text_of(signed_in(approver).get(detail("orders_refill", refill.pk)))

    names = ("settle", "found_at_provider", "not_at_provider")
    assert {name for name in names if address(refill, name) in page} == offered


def test_the_list_shows_what_waits_for_staff_first(agent: User) -> None:
    by_hand = refill_of(refillable())
    unknown, accepted = on_the_way(Passing.UNKNOWN), on_the_way(Passing.ACCEPTED)
    ended = end(refill_of(refillable()))
    client = signed_in(agent)

    def numbers(**query: object) -> set[int]:
        page = text_of(client.get(listing("orders_refill", **query)))
        found = (by_hand, unknown, accepted, ended)
        return {refill.pk for refill in found if detail("orders_refill", refill.pk) in page}

    assert numbers() == {by_hand.pk, unknown.pk}
    assert numbers(show="running") == {by_hand.pk, unknown.pk, accepted.pk}
    assert numbers(show="ended") == {ended.pk}
    assert numbers(show="all") == {by_hand.pk, unknown.pk, accepted.pk, ended.pk}
    assert numbers(q=ended.order_id) == {ended.pk}


def test_the_sidebar_counts_what_waits_for_staff(agent: User) -> None:
    client = signed_in(agent)

    def badge() -> str | None:
        groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
        [entry] = [item for group in groups for item in group["items"] if item["title"] == "Refills"]
        return str(entry["badge"]) if "badge" in entry else None

    on_the_way(Passing.ACCEPTED)
    assert badge() is None
    refill = refill_of(refillable())
    on_the_way(Passing.UNKNOWN)
    assert badge() == "2"
    end(refill)

    assert badge() == "1"


def test_the_attention_queue_leads_to_the_refill(approver: User) -> None:
    refill = on_the_way(Passing.UNKNOWN)
    item = refill.order.attention_items.get()
    other = completed(make_customer(funds="50"))
    attention.file([Concern(AttentionKind.BAD_REMAINS, "odd", order_id=other.pk)], AT)
    client = signed_in(approver)

    page = text_of(client.get(detail("orders_attentionitem", item.pk)))
    refused = text_of(submit(client, action("orders_attentionitem", "resolve", item.pk), {"resolution": "Seen"}))

    assert detail("orders_refill", refill.pk) in page
    assert "what became of it at the provider" in refused
    other_page = client.get(detail("orders_attentionitem", other.attention_items.get().pk))
    assert "Refills of the order" not in text_of(other_page)


def test_nobody_edits_a_refill_by_hand() -> None:
    refill, client = refill_of(refillable()), signed_in(make_staff())

    assert client.post(detail("orders_refill", refill.pk), {"state": "completed"}).status_code == 403
    assert client.get(reverse("admin:orders_refill_add")).status_code == 403
    assert client.get(reverse("admin:orders_refill_delete", args=[refill.pk])).status_code == 403
