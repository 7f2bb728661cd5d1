"""Policies that are published at the same moment take turns, and each against what its publisher has read."""

from functools import partial

import pytest

from refunds import drafting, publishing
from refunds.models import DraftState, PolicyDraft, PolicyVersion
from tests.concurrency.racing import of, race
from tests.factories import AT, make_staff, policies

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


def test_of_two_drafts_that_were_read_against_the_same_version_one_is_published() -> None:
    grace, hiro = make_staff("grace"), make_staff("hiro")
    drafts = [
        policies.checked(
            grace, policies.shipped("money-back-guarantee", ("hours = [24, 48]", f"hours = [24, {hours}]"))
        )
        for hours in (72, 96, 120)
    ]

    results = race(
        [
            partial(
                drafting.publish,
                draft_id=draft.pk,
                staff=hiro,
                effective_from=AT,
                announce=False,
                seen=drafting.token(draft, AT),
                at=AT,
            )
            for draft in drafts
        ]
    )

    [version] = of(PolicyVersion, results)
    assert len(of(drafting.PublicationChanged, results)) == 2
    states = PolicyDraft.objects.order_by("pk").values_list("state", "version")
    assert sorted(states) == [
        (DraftState.CHECKED, None),
        (DraftState.CHECKED, None),
        (DraftState.PUBLISHED, version.pk),
    ]
