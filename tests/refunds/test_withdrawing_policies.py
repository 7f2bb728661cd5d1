"""A version that has not started can be taken back, and not at the last moment."""

from datetime import timedelta

import pytest
from django.db import connection

from panel.accounts.models import User
from refunds import publishing
from refunds.models import PolicyVersion
from tests.factories import AT, make_customer, make_staff, place_order, policies
from tests.factories.catalog import make_service

pytestmark = pytest.mark.django_db

START = AT + timedelta(days=3)
SECOND = timedelta(seconds=1)


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def coming(grace: User) -> PolicyVersion:
    return policies.publish(grace, make_staff("hiro"), start=START)


def assert_stays(version: PolicyVersion) -> None:
    version.refresh_from_db()
    assert (version.withdrawn_at, version.withdrawn_by) == (None, None)


def test_until_it_nearly_starts(coming: PolicyVersion, grace: User) -> None:
    at = START - 2 * publishing.LAST_CALL

    publishing.withdraw(version_id=coming.pk, staff=grace, at=at)

    coming.refresh_from_db()
    assert (coming.withdrawn_at, coming.withdrawn_by) == (at, grace)


@pytest.mark.parametrize("left", [60 * SECOND, SECOND, 0 * SECOND, -SECOND])
def test_not_in_the_last_minute_nor_later(coming: PolicyVersion, grace: User, left: timedelta) -> None:
    with pytest.raises(publishing.HasStarted, match="has started, or does within a minute"):
        publishing.withdraw(version_id=coming.pk, staff=grace, at=START - left)

    assert_stays(coming)


def test_the_time_that_was_spent_waiting_counts(coming: PolicyVersion, grace: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")  # as long as another publisher's turn took; the test's transaction waits

    with pytest.raises(publishing.HasStarted):
        publishing.withdraw(
            version_id=coming.pk, staff=grace, at=START - publishing.LAST_CALL - timedelta(milliseconds=100)
        )

    assert_stays(coming)


def test_not_when_an_order_carries_it_by_a_clock_that_is_ahead(coming: PolicyVersion, grace: User) -> None:
    order = place_order(make_customer(funds="10"), make_service(), at=START + SECOND)
    assert order.policy_version == coming.pk

    with pytest.raises(publishing.HasStarted, match="orders that were placed under it"):
        publishing.withdraw(version_id=coming.pk, staff=grace, at=AT)

    assert_stays(coming)
