"""The catalog's notes about refunds: each different one once, with a title that says for which services."""

from itertools import product

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orders.models import Category
from panel.accounts.models import Standing
from refunds import order_policy, publishing
from refunds.models import PolicyVersion
from refunds.policy import loader
from tests.conftest import LONG_AGO
from tests.factories import make_service
from tests.factories.catalog import make_category
from tests.factories.desk import publish_widened
from tests.refunds.policy import widened
from tests.web import pages

pytestmark = pytest.mark.django_db


def titles(client: Client, query: str = "") -> list[str]:
    return [note.title for note in client.get(f"/{query}").context["notes"].shown]


def test_one_note_is_for_all_services(client: Client) -> None:
    make_service()
    make_service(allows_refill=True)

    assert titles(client) == ["All services"]
    assert "What is refunded All services Cancel while it is pending: full refund" in pages.text(client.get("/"))


def test_a_service_links_to_its_note_where_there_are_several(client: Client) -> None:
    standard, marked = make_service(), make_service(refund_after_start=False)

    page = client.get("/")

    assert titles(client) == ["Services without a mark", "Services marked “No refund after start”"]
    assert '<a href="#refunds-1">What is refunded</a>' in page.content.decode()
    assert '<li class="warn"><a href="#refunds-2">No refund after start</a></li>' in page.content.decode()
    assert page.context["notes"].of_service == {standard.pk: "refunds-1", marked.pk: "refunds-2"}


@pytest.mark.usefixtures("credit_only_policy")
def test_a_mark_that_changes_nothing_is_not_shown(client: Client) -> None:
    make_service()
    make_service(refund_after_start=False)

    assert titles(client) == ["All services"]
    assert "No refund after start" not in pages.text(client.get("/"))


def test_scopes_have_notes_under_their_names(client: Client) -> None:
    creators = make_category("Creator placements")
    newsletter = make_service()
    publish_widened(creators=creators, newsletter=newsletter)
    make_service(category=creators)
    make_service(category=creators, allows_refill=True)
    make_service()
    make_service(allows_refill=True)

    assert titles(client) == [
        "Creator placements without refill",
        "Creator placements with refill",
        "Newsletter spots",
        "Other services",
    ]


def test_only_what_is_shown_is_told_apart(client: Client) -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    make_service(category=creators)
    make_service()

    assert titles(client, "?q=Creator") == ["All services"]
    assert titles(client) == ["Creator placements", "Other services"]


def test_services_of_several_scopes_share_a_note_where_they_are_treated_alike(client: Client) -> None:
    first, second, third = (make_category(f"Shelf {number}") for number in range(1, 4))
    _publish_scopes([(first, 5), (second, 5), (third, 8)])
    for category in (first, second, third, make_category()):
        make_service(category=category)

    assert titles(client) == ["Other services", "Shelf 1; Shelf 2", "Shelf 3"]


def test_notes_beyond_a_dozen_are_left_to_the_order_form(client: Client) -> None:
    categories = [make_category(f"Shelf {number}") for number in range(1, 9)]
    _publish_scopes([(category, place) for place, category in enumerate(categories, start=1)])
    for category, refundable in product(categories, (True, False)):
        make_service(category=category, refund_after_start=refundable)

    page = client.get("/")

    notes = page.context["notes"]
    assert (len(notes.shown), notes.are_all) == (12, False)
    assert sorted(notes.of_service.values()).count("") == 4
    assert "For the other services the order form says it, before you order." in pages.text(page)
    assert page.content.decode().count("No refund after start</a>") == 6
    assert page.content.decode().count('<li class="warn">No refund after start</li>') == 2


@pytest.mark.parametrize("number", [5, 50])
def test_takes_the_same_queries_with_scopes_for_any_number_of_services(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    for place in range(number):
        make_service(category=creators if place % 2 else make_category(), allows_refill=place % 3 == 0)
    client.get("/")  # policy versions are read once a process

    with django_assert_num_queries(2):
        client.get("/")


def test_services_that_the_policy_treats_alike_share_one_note() -> None:
    version = PolicyVersion.objects.get().pk
    services = [make_service(category=make_category(f"Shelf {place}")) for place in range(20)]

    notes = order_policy.order_notes(version, [*services, make_service(refund_after_start=False)], Standing.CLEAR)

    assert len({id(note) for note in notes}) == 2
    assert order_policy.order_note(version, services[0]) is notes[0]
    assert notes[0].fingerprint != notes[-1].fingerprint
    assert notes[0].ends_with_start is False
    assert notes[-1].ends_with_start is True


def test_no_services_have_no_notes(client: Client) -> None:
    page = client.get("/")

    assert page.context["notes"].shown == ()
    assert "What is refunded" not in pages.text(page)


def _publish_scopes(fees: list[tuple[Category, int]]) -> None:
    """Put the guarantee in force with a scope for each category: what goes away is refunded less so many dollars."""
    text = widened.without_examples((loader.SHIPPED / "money-back-guarantee.toml").read_text(encoding="utf-8"))
    scopes = "".join(
        f'[[scopes]]\nid = "shelf-{place}"\nname = "shelf {place}"\ncategories = [{category.pk}]\n\n'
        for place, (category, _) in enumerate(fees, start=1)
    )
    clauses = "".join(
        f'[[clauses]]\nid = "gone-{place}"\ngroup = "Shelves"\nwhen.scope = ["shelf-{place}"]\n'
        'when.status = ["completed"]\nwhen.cause = ["dropped"]\nwhen.initiator = ["customer"]\n'
        f'then = {{ refund = "full", approval = "review", fee = "{fee}.00" }}\n'
        'text = "What went away of {scope}: less {fee}."\nbecause = "it went away"\npassage = "our own"\n\n'
        for place, (_, fee) in enumerate(fees, start=1)
    )
    publishing.publish(
        text=text.replace("[[clauses]]\n", f"{scopes}{clauses}[[clauses]]\n", 1),
        source="shelves",
        effective_from=LONG_AGO,
        at=LONG_AGO,
    )
