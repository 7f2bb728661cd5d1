import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from orders import importing
from orders.fulfilment import client, providers
from orders.importing import Kind
from orders.models import Category, Order, OrderStatus, Provider, Service
from panel.kernel.errors import Refused
from panel.sandbox import provider as sandbox_provider
from panel.sandbox.provider import Sandbox
from tests.factories import make_provider
from tests.orders.fulfilment.stage import DUE, MINUTE, provider_of, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with sandbox_provider.serving(manual=True) as running:
        yield running
    client.close_pools()


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def imported(provider: Provider, markup: str = "1.3") -> dict[Kind, int]:
    planned = importing.plan(provider=provider, markup=Decimal(markup))
    importing.carry_out(planned)
    return {kind: count for kind, count in importing.counted(planned.changes).items() if count}


def test_takes_over_the_price_list_with_the_markup_on_it(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)

    assert imported(provider) == {Kind.NEW: 12}

    ads = Service.objects.get(provider=provider, provider_service_id="101")
    assert (ads.rate, ads.min_quantity, ads.max_quantity) == (Decimal("1.495"), 1000, 1_000_000)
    assert (ads.type, ads.allows_cancel, ads.allows_refill, ads.is_active) == ("Default", True, True, True)
    assert ads.category.name == "Promoted reach"
    story = Service.objects.get(provider=provider, provider_service_id="202")
    assert (story.type, story.rate, story.min_quantity, story.max_quantity) == ("Package", Decimal("46.8"), 1, 1)


def test_the_price_rounds_half_up_to_six_places(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)

    imported(provider, "0.333333")

    # 0.62 x 0.333333 = 0.20666646; 36.00 x 0.333333 = 11.999988; 2.35 x 0.333333 = 0.78333255
    rates = dict(Service.objects.values_list("provider_service_id", "rate"))
    assert (rates["103"], rates["202"], rates["104"]) == (
        Decimal("0.206666"),
        Decimal("11.999988"),
        Decimal("0.783333"),
    )


def test_a_second_import_follows_price_and_limits_and_leaves_what_is_the_operators(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)
    imported(provider)
    shelf = Category.objects.create(name="Our picks")
    Service.objects.filter(provider_service_id="101").update(
        name="Our own name", description="Ours", category=shelf, rate=9, min_quantity=5, allows_cancel=False
    )

    assert imported(provider) == {Kind.CHANGED: 1, Kind.SAME: 11}

    ads = Service.objects.get(provider_service_id="101")
    assert (ads.name, ads.description, ads.category) == ("Our own name", "Ours", shelf)
    assert (ads.rate, ads.min_quantity, ads.allows_cancel) == (Decimal("1.495"), 1000, True)
    assert Service.objects.count() == 12


def test_switches_off_what_vanished_and_switches_nothing_on_again(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)
    imported(provider)
    Service.objects.filter(provider_service_id="102").update(is_active=False)
    gone = Service.objects.get(provider_service_id="103")
    Service.objects.filter(pk=gone.pk).update(provider_service_id="999")

    planned = importing.plan(provider=provider, markup=Decimal("1.3"))
    importing.carry_out(planned)

    off = [change for change in planned.changes if change.kind is Kind.OFF]
    gone.refresh_from_db()
    assert [change.number for change in off] == ["999"]
    assert gone.is_active is False
    assert Service.objects.get(provider_service_id="102").is_active is False
    assert Service.objects.get(provider_service_id="103").is_active is True


def test_refuses_an_unknown_provider_and_a_senseless_markup(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)

    with pytest.raises(CommandError, match="no provider named Nobody"):
        run("import_services", "Nobody")
    for markup in ("0", "-1", "abc", "1e3", "1001", "NaN"):
        with pytest.raises(CommandError, match="markup"):
            run("import_services", provider.name, f"--markup={markup}")

    assert Service.objects.count() == 0


def test_a_dry_run_shows_everything_and_writes_nothing(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)

    shown = run("import_services", provider.name, "--dry-run")

    assert "+      101  Feed ads" in shown
    assert "12 new" in shown
    assert Service.objects.count() == 0
    assert Category.objects.filter(name="Traffic campaigns").count() == 0


def test_the_command_imports(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)

    assert "12 new" in run("import_services", provider.name, "--markup", "2")
    assert Service.objects.get(provider_service_id="101").rate == Decimal("2.30")
    assert "12 same" in run("import_services", provider.name, "--markup", "2")


def test_a_provider_that_can_not_be_reached_changes_nothing() -> None:
    provider = make_provider()

    with pytest.raises(CommandError, match="no connection"):
        run("import_services", provider.name)


def test_adds_a_provider() -> None:
    run("add_provider", "North", "--url", "http://provider:8900/api/v2", "--key", "secret", "--repeats-safe")
    run("add_provider", "South", "--url", "https://south.example/api/v2", "--key", "secret")

    added = Provider.objects.order_by("name").values_list("name", "api_url", "api_key", "supports_request_id")
    assert list(added) == [
        ("North", "http://provider:8900/api/v2", "secret", True),
        ("South", "https://south.example/api/v2", "secret", False),
    ]


@pytest.mark.parametrize(
    ("name", "url", "key", "field"),
    [
        (" ", "https://a.example/api/v2", "k", "name"),
        ("x" * 101, "https://a.example/api/v2", "k", "name"),
        ("A", "ftp://a.example/api/v2", "k", "url"),
        ("A", "a.example/api/v2", "k", "url"),
        ("A", "http://[oops/api", "k", "url"),
        ("A", "https://a.example/api/v2", "", "key"),
        ("A", "https://a.example/api/v2", "a\nb", "key"),
    ],
)
def test_refuses_a_provider_that_makes_no_sense(name: str, url: str, key: str, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        providers.add(name=name, api_url=url, api_key=key, repeats_safe=False)

    assert refusal.value.field == field
    assert Provider.objects.count() == 0


def test_refuses_a_second_provider_of_a_name() -> None:
    run("add_provider", "North", "--url", "https://north.example/api/v2", "--key", "one")

    with pytest.raises(CommandError, match="named North already"):
        run("add_provider", "North", "--url", "https://north.example/api/v2", "--key", "two")

    assert Provider.objects.get().api_key == "one"


def test_sync_orders_polls_every_running_order_now(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")
    assert order.sync_due_at == DUE + MINUTE

    shown = run("sync_orders", "--json")

    assert json.loads(shown) == {"polled": 1, "moved": 1, "concerns": 0, "failed": 0}
    assert Order.objects.get().status == OrderStatus.COMPLETED
    assert "0 moved" in run("sync_orders")


def test_sync_orders_fails_when_a_provider_does_not_answer(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    sandbox.fault("http_500", action="status")

    with pytest.raises(CommandError, match="1 orders got no answer"):
        run("sync_orders")

    sandbox.clear_faults()
    sandbox.drive(order.provider_order_id, status="In progress", remains="10")
    assert "1 moved" in run("sync_orders")
