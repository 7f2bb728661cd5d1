import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from orders import importing
from orders.fulfilment.client import Connection
from orders.importing import Kind, Plan
from orders.models import Service
from panel.kernel.errors import Refused
from tests.factories import make_provider, make_service

pytestmark = pytest.mark.django_db
Answering = Callable[..., Connection]


def row(number: object, **fields: object) -> dict[str, object]:
    return {"service": number, "name": "Reach", "category": "A", "rate": "1", "min": "1", "max": "9", **fields}


def plan(answering: Answering, rows: list[object]) -> Plan:
    return importing.plan(provider=make_provider(api_url=answering(json.dumps(rows)).url), markup=Decimal("1.5"))


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        (row(1, type="Poll"), "type Poll is not sold here"),
        (row(1, rate="0"), "its rate comes to nothing or too much"),
        (row(1, rate="99999999999999"), "its rate comes to nothing or too much"),
        (row(1, rate="1e9"), "rate is not an amount"),
        (row(1, type="Package"), "a package has one size"),
        (row(1, min="5", max="4"), "min and max are no limits"),
        (row(1, min="9999999999", max="9999999999"), "its limits hold no quantity"),
        (row("x" * 61), "its number is too long"),
        ("no object", "the row is no object"),
    ],
)
def test_leaves_out_what_can_not_be_sold_and_says_why(answering: Answering, offered: object, why: str) -> None:
    planned = plan(answering, [offered, row(2)])
    importing.carry_out(planned)

    assert [(change.kind, change.detail) for change in planned.changes if change.kind is Kind.LEFT_OUT] == [
        (Kind.LEFT_OUT, why)
    ]
    assert list(Service.objects.values_list("provider_service_id", flat=True)) == ["2"]


def test_a_number_that_stands_twice_is_taken_once(answering: Answering) -> None:
    planned = plan(answering, [row(1), row(1, rate="7")])
    importing.carry_out(planned)

    assert [change.kind for change in planned.changes] == [Kind.NEW, Kind.LEFT_OUT]
    assert Service.objects.get().rate == Decimal("1.5")


def test_names_are_made_fit_to_store_and_limits_are_cut_to_what_can_be_ordered(answering: Answering) -> None:
    odd = row(1, name="Re\x00ach " + "x" * 300, category="\x00" + "y" * 200, min="0", max="99999999999")
    importing.carry_out(plan(answering, [odd, row(2, category="")]))

    service, other = Service.objects.order_by("provider_service_id")
    assert service.name.startswith("Re ach xxx")
    assert (len(service.name), service.category.name) == (200, "y" * 100)
    assert (service.min_quantity, service.max_quantity) == (1, 1_000_000_000)
    assert other.category.name == "Other"


def test_an_empty_list_switches_nothing_off(answering: Answering) -> None:
    with pytest.raises(Refused, match="empty"):
        plan(answering, [])


def test_a_service_that_became_another_type_stays_as_it_is(answering: Answering) -> None:
    provider = make_provider(api_url=answering(json.dumps([row(101, type="Package", max="1")])).url)
    service = make_service(provider=provider)

    planned = importing.plan(provider=provider, markup=Decimal("1.5"))
    importing.carry_out(planned)

    service.refresh_from_db()
    assert [change.detail for change in planned.changes] == ["was Default, is now Package"]
    assert (service.rate, service.type, service.is_active) == (Decimal("2.5"), "Default", True)
