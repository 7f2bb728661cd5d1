"""Policies that are published at the same moment take turns, and each against what its publisher has read."""

from functools import partial

import pytest
from django.db import transaction

from panel.notifications.models import Email
from refunds import announcing, drafting, publishing
from refunds.models import DraftState, PolicyAnnouncement, PolicyDraft, PolicyVersion
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_staff, policies

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


def test_two_people_who_publish_one_draft_at_once_make_one_version() -> None:
    draft = policies.checked(make_staff("grace"))
    people = [make_staff(name) for name in ("hiro", "ida", "kai", "lena")]

    results = race(
        [
            partial(
                drafting.publish,
                draft_id=draft.pk,
                staff=person,
                effective_from=AT,
                announce=True,
                seen=drafting.token(draft, AT),
                at=AT,
            )
            for person in people
        ]
    )

    [version] = of(PolicyVersion, results)
    assert len(of(drafting.DraftMoved, results)) == 3
    assert version.published_by == people[results.index(version)]
    draft.refresh_from_db()
    assert (draft.state, draft.version) == (DraftState.PUBLISHED, version)
    assert PolicyAnnouncement.objects.get().asked_by == version.published_by
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize("attempt", range(3))
def test_a_draft_is_checked_while_it_is_replaced(attempt: int) -> None:
    grace, hiro = make_staff("grace"), make_staff("hiro")
    draft = policies.draft(grace)
    drafting.proof_of(draft)  # kept in memory, so that both come to the draft's lock

    checked, written = race(
        [
            partial(drafting.check, draft_id=draft.pk, staff=hiro, at=AT),
            partial(drafting.write, staff=grace, text=f"{draft.text}\n# {attempt}", at=AT, replaces=draft.pk),
        ]
    )

    # Whoever was first, the draft is replaced, and what took its place is checked by nobody.
    assert isinstance(checked, PolicyDraft | drafting.DraftMoved)
    draft.refresh_from_db()
    assert draft.state == DraftState.REPLACED
    assert (draft.checked_by == hiro) == isinstance(checked, PolicyDraft)
    assert (written.state, written.checked_by, written.replaces) == (DraftState.DRAFT, None, draft)


def test_workers_that_announce_at_once_write_to_each_customer_once() -> None:
    customers = [make_customer(f"customer{number}") for number in range(12)]
    grace = make_staff("grace")
    version = policies.publish(grace, make_staff("hiro"))
    with transaction.atomic():
        announcing.ask(version, staff=grace, at=AT)

    def work() -> int:
        written = [0]
        while not PolicyAnnouncement.objects.get().finished_at:
            written.append(announcing.carry_on(at=AT, limit=2))
        return sum(written)

    results = race([work] * 3)

    assert sum(results) == 12
    assert [letter.customer for letter in Email.objects.order_by("customer")] == customers
    assert PolicyAnnouncement.objects.get().written == 12
