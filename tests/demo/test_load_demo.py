"""`load_demo` fills the panel through the use cases, once, and tells who may sign in."""

import stat
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from billing import tracing
from billing.models import Dispute, FraudWarning, Origin, Transfer, Withdrawal
from orders import placing
from orders.lines import Line
from orders.models import AttentionItem, Order, OrderStatus, Provider, Refill, Service, ServiceType
from panel.accounts import keys
from panel.accounts.models import Standing, SuspensionCause, User
from panel.accounts.suspension import AccountSuspended
from panel.demo import catalog, stories
from panel.demo.stories import End
from panel.sandbox import provider_catalog
from panel.sandbox.payments import PaymentsSandbox
from refunds import audit
from refunds.models import (
    BacktestState,
    Decision,
    DecisionState,
    DisputeEvidence,
    DraftState,
    EvidenceState,
    PolicyBacktest,
    PolicyDraft,
    PolicyVersion,
    RefundRequest,
    RequestOrigin,
    RequestState,
)
from tests.demo.loading import balance, load
from tests.factories import move_dispute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]


def test_loads_people_who_can_sign_in_and_a_past_in_every_state() -> None:
    people = load("--provider-url", "http://127.0.0.1:8901")

    assert list(people) == ["customer", "second_customer", "staff", "second_staff", "agent", "approver"]
    for role, person in people.items():
        user = User.objects.get(email=person["email"])
        assert user.check_password(person["password"])
        assert user.is_staff is ("customer" not in role)
        assert user.is_superuser is (role in {"staff", "second_staff"})
        assert [group.name.lower() for group in user.groups.all()] == ([role] if role in {"agent", "approver"} else [])
        assert EmailAddress.objects.get(user=user).verified
        if role == "second_customer":
            with pytest.raises(AccountSuspended, match="disputed at your bank"):
                keys.authenticate(secret=person["api_key"], at=timezone.now())
        else:
            assert user.is_staff or keys.authenticate(secret=person["api_key"], at=timezone.now()) == user
    assert balance("ada@example.com", "available") >= Decimal(250)
    assert balance("ada@example.com", "promo") == Decimal(10)
    assert User.objects.get(email="dora@example.com").is_suspended
    states = {*Order.objects.values_list("status", flat=True)}
    assert states == {*OrderStatus.values}
    assert Order.objects.count() == sum(stories.PAST.values()) + sum(len(ends) for _, ends in stories.RECENT)
    assert timezone.now() - Order.objects.earliest("placed_at").placed_at > timedelta(days=58)
    reviewed = Decision.objects.exclude(state=DecisionState.SETTLED).values_list("state", flat=True)
    assert sorted(reviewed) == ["approved", "approved", "approved", "awaiting_review", "declined"]
    waiting = Order.objects.get(decisions__state=DecisionState.AWAITING_REVIEW)
    assert waiting.final_at
    assert timedelta(hours=19) < timezone.now() - waiting.final_at < timedelta(hours=21), "within the promised 24 to 48"
    assert AttentionItem.objects.filter(resolved_at=None).count() == 2
    assert audit.findings() == []


def test_loads_a_dispute_that_suspends_the_second_customer(payments: PaymentsSandbox) -> None:
    load()

    dispute = Dispute.objects.get()
    assert (dispute.customer.email, dispute.standing) == ("ben@example.com", "needs_response")
    assert dispute.customer.suspension_cause == SuspensionCause.DISPUTE
    assert tracing.orders_of_deposit(dispute.deposit_id, customer_id=dispute.customer_id)
    assert dispute.secured == dispute.amount
    evidence = DisputeEvidence.objects.get(dispute=dispute)
    assert evidence.state == EvidenceState.STAGED
    paid = tracing.orders_of_deposit(dispute.deposit_id, customer_id=dispute.customer_id)
    texts = " ".join(str(text) for text in payments.disputes()[0]["evidence"].values())
    assert all(str(one.order_ref) in texts for one in paid)

    payments.set_webhooks("manual")  # the demo has them delivered, by another connection than this test's
    move_dispute(payments, dispute, "won")

    dispute.customer.refresh_from_db()
    assert not dispute.customer.is_suspended
    assert balance("ben@example.com", "held") == 0
    for told in payments.queued():
        payments.drop(told.id)
    load()
    assert Dispute.objects.count() == 1


def test_loads_a_fraud_warning_that_waits_for_staff() -> None:
    load()
    load()

    case = FraudWarning.objects.get()
    assert (case.customer.email, case.state, case.holds) == ("ada@example.com", "open", False)
    assert case.left > 0


def test_loads_refund_requests_in_each_state_and_hour() -> None:
    load()

    now = timezone.now()
    states = dict(RefundRequest.objects.order_by().values_list("state").annotate(number=Count("pk")))
    still_open = RefundRequest.objects.filter(state=RequestState.OPEN)
    assert states == {"open": 6, "approved": 3, "declined": 2}
    assert still_open.filter(due_at__lt=now, expedited_at__isnull=False).count() == 1
    assert still_open.filter(origin=RequestOrigin.POLICY).count() == 1
    assert list(still_open.filter(asked_at__isnull=False).values_list("assignee__name", flat=True)) == ["Ivy Chen"]
    recommended = still_open.get(recommended_at__isnull=False)
    assert recommended.files.get().content_type == "image/png"
    confirmed = RefundRequest.objects.filter(state=RequestState.APPROVED, origin=RequestOrigin.CUSTOMER)
    assert confirmed.values_list("recommended_by__name", "closed_by__name").get() == ("Ivy Chen", "Hiro Tanaka")
    assert not User.objects.exclude(standing=Standing.CLEAR).exists()


def test_loads_refills_and_leaves_one_for_staff() -> None:
    load()
    load()

    assert sorted(Refill.objects.values_list("state", flat=True)) == ["completed", "pending", "rejected"]
    assert Refill.objects.filter(Refill.waiting()).count() == 1


def test_leaves_a_policy_draft_for_the_second_staff_to_publish() -> None:
    load()
    load()

    draft = PolicyDraft.objects.get()
    assert (draft.state, draft.author.email) == (DraftState.CHECKED, "grace@example.com")
    assert PolicyBacktest.objects.get().state == BacktestState.DONE


def test_leaves_no_open_order_with_a_provider_that_the_provider_would_not_know() -> None:
    load()

    open_orders = Order.objects.filter(final_at=None)
    assert {*open_orders.filter(provider=None).values_list("status", flat=True)} == {
        OrderStatus.PENDING,
        OrderStatus.PROCESSING,
        OrderStatus.IN_PROGRESS,
    }
    to_send = open_orders.exclude(provider=None)
    assert {(order.status, order.sync_due_at) for order in to_send} == {(OrderStatus.PENDING, None)}
    assert all(order.submit_due_at for order in to_send)
    assert to_send.count() == [end for _, ends in stories.RECENT for end in ends].count(End.PENDING_PROVIDER)
    assert not Order.objects.exclude(provider_order_id="").exists()


def test_a_second_run_keeps_the_data_and_the_secrets_and_takes_the_new_address(own_var: Path) -> None:
    first = load("--provider-url", "http://127.0.0.1:8901")
    had = balance("ada@example.com", "available")
    ada, spot = User.objects.get(email="ada@example.com"), Service.objects.get(name__startswith="Sponsor spot")
    placing.place(customer=ada, lines=[Line(spot.pk, "https://example.com/launch")], at=timezone.now())
    before = (Order.objects.count(), Transfer.objects.count(), Service.objects.count(), User.objects.count())

    second = load("--provider-url", "http://127.0.0.1:8902", "--provider-key", "another")

    assert second == first
    assert balance("ada@example.com", "available") == had - 89  # 99.00, of which 10.00 promotional
    assert {*AttentionItem.objects.values_list("seen", flat=True)} == {1}
    assert (Order.objects.count(), Transfer.objects.count(), Service.objects.count(), User.objects.count()) == before
    provider = Provider.objects.get()
    assert (provider.api_url, provider.api_key) == ("http://127.0.0.1:8902/api/v2", "another")
    secrets_file = own_var / "demo-credentials.json"
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600


def test_makes_a_new_key_and_password_when_the_file_is_gone(own_var: Path) -> None:
    first = load()
    (own_var / "demo-credentials.json").write_text("nonsense")

    second = load()

    ada = User.objects.get(email="ada@example.com")
    assert second["customer"]["api_key"] != first["customer"]["api_key"]
    assert keys.authenticate(secret=second["customer"]["api_key"], at=timezone.now()) == ada
    assert ada.check_password(second["customer"]["password"])


def test_begins_the_past_with_the_policy_when_one_was_published_before() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE refunds_policyversion CASCADE")
    call_command("publish_policy", "--first-start", stdout=StringIO())

    load()

    since = PolicyVersion.objects.get().effective_from
    assert Order.objects.earliest("placed_at").placed_at == since
    assert Order.objects.filter(final_at__gt=timezone.now()).count() == 0


def test_loads_under_the_policy_that_refuses_changes_of_mind(credit_only_policy: PolicyVersion) -> None:
    load()

    assert {*Order.objects.values_list("policy_version", flat=True)} == {credit_only_policy.pk}
    assert Decision.objects.filter(clause="change-of-mind").count() == 0
    assert {*Withdrawal.objects.values_list("origin", flat=True)} == {Origin.GATEWAY}
    assert balance("ada@example.com", "available") >= Decimal(250)


@pytest.mark.parametrize("name", ["STRIPE_API_BASE", "STRIPE_SECRET_KEY"])
def test_refuses_without_a_payments_sandbox(settings: Any, name: str) -> None:
    setattr(settings, name, "")

    with pytest.raises(CommandError, match="set STRIPE_API_BASE and STRIPE_SECRET_KEY"):
        load()

    assert not User.objects.exists()


def test_refuses_outside_of_the_sandbox(settings: Any) -> None:
    settings.SANDBOX = settings.DEBUG = settings.TESTING = False

    with pytest.raises(CommandError, match="SANDBOX=1"):
        load()

    assert not User.objects.exists()
    assert not Service.objects.exists()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nonsense", "http://"])
def test_refuses_a_provider_address_that_is_none(url: str) -> None:
    with pytest.raises(CommandError, match="not an http address"):
        load("--provider-url", url)

    assert not Provider.objects.exists()


def test_sells_genuine_services_that_its_provider_has() -> None:
    items = [item for shelf in catalog.SHELVES.values() for item in shelf]

    assert 18 <= len(items) <= 24
    assert len({item.name for item in items}) == len(items)
    for item in items:
        if item.offer:
            offer = provider_catalog.BY_NUMBER[item.offer]
            assert Decimal(item.rate) > offer.rate
            assert item.package is (offer.type == ServiceType.PACKAGE)
            assert offer.minimum <= item.minimum <= item.maximum <= offer.maximum
    words = " ".join(f"{item.name} {item.description}" for item in items).lower()
    assert not {"follower", "likes", "bot ", "bots", "fake"} & {*words.replace(",", " ").split()}
