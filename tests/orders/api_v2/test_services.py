"""`services`."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Category, Service
from panel.accounts.models import Standing, User
from tests.factories import make_service
from tests.orders.api_v2.panel_client import Api

STANDARD_NOTE = (
    "Cancel while it is pending: full refund to your balance.\n"
    "If it can't be started: full refund to your balance.\n"
    "If it is delivered only in part: what was not delivered is refunded to your balance.\n"
    "Delivered in full: no refund.\n"
    "If less was delivered than reported, or it goes away later: a person looks at it."
)
GUARANTEE = {
    "pending_cancel": "full",
    "not_started": "full",
    "provider_canceled": "full",
    "partial": "undelivered",
    "stopped_by_us": "full",
    "completed": "none",
    "short": "undelivered",
    "dropped": "undelivered",
    "refill_failed": None,
    "review": ["short", "dropped"],
}


def test_lists_a_service_in_the_shape_that_clients_know(api: Api, reach: Service) -> None:
    Service.objects.filter(pk=reach.pk).update(
        name="Promoted reach", description="Shown to readers of trade news.", allows_cancel=True
    )

    [row] = api("services")

    note, refund = row.pop("refund_note"), row.pop("refund")
    assert row == {
        "service": reach.pk,
        "name": "Promoted reach",
        "type": "Default",
        "category": "Promoted reach",
        "rate": "0.90",
        "min": "50",
        "max": "10000",
        "refill": False,
        "cancel": True,
        "dripfeed": False,
        "desc": "Shown to readers of trade news.",
        "refund_after_start": True,
    }
    assert type(row["service"]) is int
    assert note == STANDARD_NOTE
    assert refund == GUARANTEE


def test_lists_a_package_with_the_price_of_the_whole(api: Api, spot: Service) -> None:
    [row] = api("services")

    assert (row["service"], row["type"], row["rate"], row["min"], row["max"]) == (
        spot.pk,
        "Package",
        "12.50",
        "5000",
        "5000",
    )


def test_says_which_services_give_nothing_back_after_the_start(api: Api, db: None) -> None:  # noqa: ARG001
    make_service(refund_after_start=False)

    [row] = api("services")

    assert row["refund_after_start"] is False
    assert "Once delivery has begun, this service can't be refunded, unless we stop it ourselves." in row["refund_note"]
    assert row["refund"] == {**GUARANTEE, "partial": "none"}


@pytest.mark.usefixtures("credit_only_policy")
def test_takes_the_note_from_the_policy_in_force(api: Api, reach: Service) -> None:
    [row] = api("services")

    assert row["service"] == reach.pk
    assert row["refund_note"].startswith("An order can't be canceled at your own wish once it is placed.")
    assert row["refund"] == {
        "pending_cancel": None,
        "not_started": "full",
        "provider_canceled": "full",
        "partial": "undelivered",
        "stopped_by_us": "full",
        "completed": "none",
        "short": "none",
        "dropped": "none",
        "refill_failed": None,
        "review": [],
    }


def test_tells_a_customer_in_doubt_what_the_policy_decides_for_him(api: Api, ada: User, reach: Service) -> None:
    User.objects.filter(pk=ada.pk).update(standing=Standing.ABUSE_FLAGGED)

    [row] = api("services")

    assert row["service"] == reach.pk
    assert row["refund_note"].startswith("Cancel while it is pending: full refund to your balance, after review.\n")
    cases = ["pending_cancel", "not_started", "provider_canceled", "partial", "stopped_by_us", "short", "dropped"]
    assert row["refund"]["review"] == cases
    assert [row["refund"][case] for case in cases] == ["full"] * 3 + ["undelivered"] * 4


def test_leaves_out_what_is_not_sold(api: Api, reach: Service) -> None:
    make_service(is_active=False)

    assert [row["service"] for row in api("services")] == [reach.pk]


def test_keeps_the_order_of_the_catalog(api: Api, reach: Service) -> None:
    early = Service.objects.create(
        category=Category.objects.create(name="Newsletter spots", position=0),
        name="One issue",
        rate="20",
        min_quantity=1,
        max_quantity=4,
    )
    Category.objects.filter(pk=reach.category_id).update(position=1)
    last = make_service(position=5)

    assert [row["service"] for row in api("services")] == [early.pk, reach.pk, last.pk]


@pytest.mark.usefixtures("keys_used_now")
def test_takes_as_many_statements_for_many_services_as_for_one(api: Api, ada: User, reach: Service) -> None:
    api("services")
    with CaptureQueriesContext(connection) as for_one:
        api("services")
    for _ in range(20):
        make_service()

    with CaptureQueriesContext(connection) as for_many:
        assert len(api("services")) == 21

    assert len(for_many) == len(for_one) == 3  # key, policy in force, services
    assert ada.pk
    assert reach.pk
