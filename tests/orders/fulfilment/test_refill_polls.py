"""Following refills: what the provider says moves them, and what makes no sense is kept and put before a person."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.fulfilment import refill_polls, refilling
from orders.fulfilment.client import Missing, RefillReport, RefillTaken
from orders.models import AttentionItem, AttentionKind, Provider, Refill, RefillState
from panel.sandbox.provider import Sandbox
from tests.factories import AT, make_customer, make_provider
from tests.factories.refills import refill_of, refillable
from tests.orders.fulfilment.stage import MINUTE, POLL, passed_on, provider_of

pytestmark = pytest.mark.django_db

DUE = POLL + MINUTE
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def forget_rests() -> None:
    cache.clear()


def poll(at: datetime = DUE) -> int:
    return refill_polls.poll_due(at=at)


def fresh(refill: Refill) -> Refill:
    return Refill.objects.get(pk=refill.pk)


def kinds() -> list[str]:
    return list(AttentionItem.objects.filter(resolved_at=None).values_list("kind", flat=True))


def accepted(count: int, provider: Provider | None = None) -> list[Refill]:
    """Refills as they stand after they were passed on, without a provider to talk to."""
    provider, customer = provider or make_provider(), make_customer(funds=str(20 * count))
    found = [refill_of(refillable(customer, provider=provider)) for _ in range(count)]
    for refill in found:
        refilling._begin(refill.pk, AT)
        refilling.record(refill_id=refill.pk, called_at=AT, outcome=RefillTaken(f"9{refill.pk}"), at=AT)
    return [fresh(refill) for refill in found]


def test_follows_a_refill_to_its_end(sandbox: Sandbox) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))

    assert poll(DUE - timedelta(seconds=1)) == 0
    assert poll(DUE) == 1
    assert (fresh(refill).state, fresh(refill).raw_status) == (RefillState.PENDING, "Pending")
    sandbox.drive_refill(refill.provider_refill_id, status="In progress")
    assert poll(DUE + MINUTE) == 1
    assert (fresh(refill).state, fresh(refill).started_at) == (RefillState.IN_PROGRESS, DUE + MINUTE)
    sandbox.drive_refill(refill.provider_refill_id, status="Completed")
    assert poll(DUE + 3 * MINUTE) == 1

    refill = fresh(refill)
    assert (refill.state, refill.closed_at, refill.poll_due_at) == (RefillState.COMPLETED, DUE + 3 * MINUTE, None)
    assert poll(DUE + DAY) == 0
    assert kinds() == []


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Completed", RefillState.COMPLETED),
        ("completed ", RefillState.COMPLETED),
        ("Rejected", RefillState.REJECTED),
        ("ERROR", RefillState.ERROR),
        ("In_Progress", RefillState.IN_PROGRESS),
        ("In progress", RefillState.IN_PROGRESS),
    ],
)
def test_understands_the_words_of_the_contract(sandbox: Sandbox, said: str, state: RefillState) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))
    sandbox.drive_refill(refill.provider_refill_id, status=said)

    poll()

    assert fresh(refill).state == state
    assert kinds() == []


@pytest.mark.parametrize("said", ["Refilled", "Canceled", "", None, 7, True, ["Completed"], "Comple\0ted"])
def test_an_unknown_word_is_kept_and_put_before_a_person(sandbox: Sandbox, said: object) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))
    sandbox.drive_refill(refill.provider_refill_id, status=said)

    poll()

    assert fresh(refill).state == RefillState.PENDING
    assert fresh(refill).raw_status not in {"Pending", "Completed"}
    [item] = AttentionItem.objects.all()
    assert (item.kind, item.order) == (AttentionKind.REFILL_ODD, refill.order)
    assert item.report["status"] == fresh(refill).raw_status
    assert fresh(refill).poll_due_at is not None


def test_a_refill_that_has_begun_does_not_go_back(sandbox: Sandbox) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))
    sandbox.drive_refill(refill.provider_refill_id, status="In progress")
    poll()
    sandbox.drive_refill(refill.provider_refill_id, status="Pending")

    poll(DUE + HOUR)

    assert fresh(refill).state == RefillState.IN_PROGRESS
    assert kinds() == [AttentionKind.REFILL_ODD]


def test_a_refill_that_the_provider_does_not_know_stays_and_is_looked_at() -> None:
    [refill] = accepted(1)

    refill_polls.record({refill.pk: Missing("Refill not found")}, DUE)

    assert fresh(refill).state == RefillState.PENDING
    item = AttentionItem.objects.get()
    assert (item.kind, item.detail) == (
        AttentionKind.REFILL_ODD,
        f"The provider doesn't know Refill {refill.pk}: Refill not found",
    )


def test_polls_as_seldom_as_the_refill_is_old(sandbox: Sandbox) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))
    ages = [MINUTE, 10 * MINUTE, 2 * HOUR, 3 * DAY, 7 * DAY, 20 * DAY]
    waits = []
    for age in ages:
        assert poll(POLL + age) == 1
        due = fresh(refill).poll_due_at
        assert due is not None
        waits.append(due - (POLL + age))

    assert waits == [MINUTE, 10 * MINUTE, HOUR, HOUR, DAY, DAY]


def test_a_person_is_told_of_a_refill_that_runs_for_a_week(sandbox: Sandbox) -> None:
    passed_on(sandbox, provider_of(sandbox))

    poll(POLL + 7 * DAY - HOUR)
    assert kinds() == []
    poll(POLL + 7 * DAY)

    assert kinds() == [AttentionKind.REFILL_SILENT]
    assert "the provider still says Pending" in AttentionItem.objects.get().detail


@pytest.mark.parametrize("kind", ["http_500", "drop_before", "nonsense", "error"])
def test_a_provider_that_does_not_answer_is_asked_later_and_after_a_day_a_person_is_told(
    sandbox: Sandbox, kind: str
) -> None:
    refill = passed_on(sandbox, provider_of(sandbox))
    sandbox.fault(kind, action="refill_status")

    assert poll(DUE) == 1
    assert (fresh(refill).state, kinds()) == (RefillState.PENDING, [])
    poll(POLL + DAY)

    assert kinds() == [AttentionKind.REFILL_SILENT]
    sandbox.clear_faults()
    sandbox.drive_refill(refill.provider_refill_id, status="Completed")
    assert poll(POLL + DAY + HOUR) == 1
    assert fresh(refill).state == RefillState.COMPLETED


def test_a_refused_key_is_the_providers_matter(sandbox: Sandbox) -> None:
    passed_on(sandbox, provider_of(sandbox))
    Provider.objects.update(api_key="revoked")

    poll()

    assert kinds() == [AttentionKind.PROVIDER_KEY]


def test_a_list_that_is_refused_as_a_whole_is_asked_one_by_one(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    found = [passed_on(sandbox, provider, customer) for _ in range(2)]
    for refill in found:
        sandbox.drive_refill(refill.provider_refill_id, status="Completed")
    sandbox.fault("error", action="refill_status", error="Incorrect request", times=2)

    assert poll() == 2

    assert sorted(fresh(refill).state for refill in found) == ["completed", "pending"]


def test_what_ended_meanwhile_or_is_reported_again_changes_nothing() -> None:
    first, second = accepted(2)
    reports = {first.pk: RefillReport("Rejected"), second.pk: RefillReport("In progress")}
    refill_polls.record(reports, DUE)
    before = list(Refill.objects.order_by("pk").values())

    refill_polls.record({**reports, first.pk: RefillReport("Completed")}, DUE + HOUR)

    assert list(Refill.objects.order_by("pk").values()) == before
    assert kinds() == []


def counted(action: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len([query for query in queries if "SAVEPOINT" not in query["sql"]])


@pytest.mark.parametrize(("status", "statements"), [("Completed", 2), ("Pending", 2), ("Nonsense", 3)])
def test_the_number_of_statements_of_a_batch_does_not_grow(status: str, statements: int) -> None:
    counts = []
    for size in (1, 10, 40):
        reports = {refill.pk: RefillReport(status) for refill in accepted(size)}
        counts.append(counted(lambda reports=reports: refill_polls.record(reports, DUE)))  # type: ignore[misc]

    assert counts == [statements] * 3


def test_claims_a_hundred_of_each_provider_at_most() -> None:
    provider = make_provider()
    accepted(3, provider)
    accepted(1)

    taken = refill_polls.claim_due(provider_id=provider.pk, limit=2, at=DUE)

    assert len(taken) == 2
    assert len(refill_polls.claim_due(provider_id=provider.pk, limit=500, at=DUE)) == 1
