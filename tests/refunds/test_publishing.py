"""Publishing policies: versions are numbered, never start in the past, and the latest that has begun is in force."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from refunds import order_policy, publishing
from refunds.models import PolicyVersion
from refunds.policy.loader import PolicyInvalid

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
GUARANTEE = (publishing.SHIPPED / "money-back-guarantee.toml").read_text(encoding="utf-8")
CREDIT_ONLY = (publishing.SHIPPED / "panel-credit-only.toml").read_text(encoding="utf-8")


def publish(text: str, *, start: datetime = NOW, at: datetime = NOW) -> PolicyVersion:
    return publishing.publish(text=text, source="policy.toml", effective_from=start, at=at)


def reworded(text: str) -> str:
    assert "summary = " in text
    return text.replace('summary = "', 'summary = "In short: ', 1)


@pytest.fixture
def no_policy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE refunds_policyversion CASCADE")


def test_numbers_the_versions_of_each_policy() -> None:
    credit_only = publish(CREDIT_ONLY)
    guarantee = publish(reworded(GUARANTEE), start=NOW + timedelta(days=1))

    assert (credit_only.slug, credit_only.number) == ("panel-credit-only", 1)
    assert (guarantee.slug, guarantee.number) == ("money-back-guarantee", 2)
    assert len(guarantee.hash) == 64


def test_the_latest_version_that_has_begun_is_in_force() -> None:
    first = PolicyVersion.objects.get()
    second = publish(CREDIT_ONLY, start=NOW + timedelta(days=1))

    for at, version in (
        (NOW, first),
        (NOW + timedelta(days=1) - timedelta(microseconds=1), first),
        (NOW + timedelta(days=1), second),
        (NOW + timedelta(days=400), second),
    ):
        assert publishing.version_in_force(at) == version
        assert order_policy.version_in_force(at, None) == version.pk


def test_of_two_versions_that_start_together_the_later_published_is_in_force() -> None:
    publish(CREDIT_ONLY)
    guarantee = publish(GUARANTEE)

    assert publishing.version_in_force(NOW) == guarantee
    assert order_policy.version_in_force(NOW, None) == guarantee.pk


@pytest.mark.parametrize("ask", [publishing.version_in_force, order_policy.version_in_force])
def test_refuses_to_name_a_version_before_the_first_has_begun(ask: object) -> None:
    begin = PolicyVersion.objects.get().effective_from

    with pytest.raises(publishing.NoPolicyInForce):
        ask(begin - timedelta(microseconds=1), None)  # type: ignore[operator]


def test_refuses_a_start_in_the_past() -> None:
    with pytest.raises(publishing.NotPublishable) as refused:
        publish(CREDIT_ONLY, start=NOW - timedelta(microseconds=1))

    assert refused.value.field == "effective_from"
    assert PolicyVersion.objects.count() == 1


def test_refuses_a_start_before_the_newest_version_begins() -> None:
    publish(CREDIT_ONLY, start=NOW + timedelta(days=2))

    with pytest.raises(publishing.NotPublishable) as refused:
        publish(GUARANTEE, start=NOW + timedelta(days=1))

    assert refused.value.field == "effective_from"
    assert PolicyVersion.objects.count() == 2


def test_refuses_the_newest_document_once_more() -> None:
    publish(CREDIT_ONLY)

    with pytest.raises(publishing.AlreadyPublished):
        publish(CREDIT_ONLY, start=NOW + timedelta(days=1))

    assert PolicyVersion.objects.count() == 2


def test_takes_an_old_document_again_after_another() -> None:
    publish(CREDIT_ONLY)

    again = publish(GUARANTEE, start=NOW + timedelta(days=1))

    assert (again.slug, again.number) == ("money-back-guarantee", 2)


@pytest.mark.parametrize("text", ["", "nonsense", GUARANTEE.replace("[default]", "[defaults]")])
def test_refuses_a_document_that_can_not_be_read(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        publish(text)

    assert PolicyVersion.objects.count() == 1


def test_refuses_a_document_that_fails_its_proof() -> None:
    shadowed = GUARANTEE.replace('when.status = ["pending"]\n', "", 1)  # then the first clause covers everything
    assert shadowed != GUARANTEE

    with pytest.raises((publishing.NotPublishable, PolicyInvalid)):
        publish(shadowed)

    assert PolicyVersion.objects.count() == 1


@pytest.mark.usefixtures("no_policy")
@pytest.mark.parametrize("slug", ["money-back-guarantee", "panel-credit-only"])
def test_the_first_start_publishes_the_named_policy_once(slug: str, settings: object) -> None:
    settings.REFUND_POLICY = slug  # type: ignore[attr-defined]

    first = publishing.publish_first(at=NOW)
    again = publishing.publish_first(at=NOW + timedelta(days=1))

    assert first is not None
    assert (first.slug, first.number, first.effective_from) == (slug, 1, NOW)
    assert again is None
    assert PolicyVersion.objects.get() == first
