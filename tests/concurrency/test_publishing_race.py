"""Policies that are published at the same moment take turns."""

from functools import partial

import pytest

from refunds import publishing
from refunds.models import PolicyVersion
from tests.concurrency.racing import of, race
from tests.factories import AT

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_publications_at_once_get_numbers_of_their_own() -> None:
    text = (publishing.SHIPPED / "panel-credit-only.toml").read_text(encoding="utf-8")
    texts = [text.replace('summary = "', f'summary = "{n}: ', 1) for n in range(4)]

    results = race(
        [partial(publishing.publish, text=one, source="policy.toml", effective_from=AT, at=AT) for one in texts]
    )

    assert len(of(PolicyVersion, results)) == 4
    assert sorted(PolicyVersion.objects.filter(slug="panel-credit-only").values_list("number", flat=True)) == [
        1,
        2,
        3,
        4,
    ]
