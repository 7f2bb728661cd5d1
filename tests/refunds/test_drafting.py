"""Drafts of policies: every move that there is, every move that there is not, and that a refused one moves nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from panel import staff_groups
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, PanelError, Refused
from refunds import drafting, publishing
from refunds.models import DraftState, PolicyAnnouncement, PolicyDraft, PolicyVersion
from refunds.policy.loader import PolicyInvalid
from tests.factories import AT, make_customer, make_staff, policies

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)
WRONG_EXAMPLE = policies.shipped("panel-credit-only").replace(
    'clause = "completed", refund = "0.00"', 'clause = "completed", refund = "1.00"', 1
)


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def hiro() -> User:
    return make_staff("hiro")


@pytest.fixture
def draft(grace: User) -> PolicyDraft:
    return policies.draft(grace)


def publish(
    draft: PolicyDraft, staff: User, *, start: datetime = AT, announce: bool = False, seen: str | None = None
) -> PolicyVersion:
    return drafting.publish(draft_id=draft.pk, staff=staff, effective_from=start, announce=announce, seen=seen, at=AT)


def everything() -> list[Any]:
    """Return all that a move could change."""
    return [
        list(PolicyDraft.objects.order_by("pk").values_list("pk", "state", "checked_by", "version")),
        list(PolicyVersion.objects.order_by("pk").values_list("pk", "withdrawn_at", "withdrawn_by")),
        list(PolicyAnnouncement.objects.values_list("version")),
    ]


def refused(kind: type[PanelError], move: Callable[[], object]) -> PanelError:
    """See that the move is refused so, and that nothing has moved."""
    before = everything()
    with pytest.raises(kind) as error:
        move()
    assert everything() == before
    return error.value


def brought_to(state: DraftState, grace: User, hiro: User) -> PolicyDraft:
    """Return a draft of grace's in this state."""
    found = policies.draft(grace)
    if state in {DraftState.CHECKED, DraftState.PUBLISHED}:
        drafting.check(draft_id=found.pk, staff=grace, at=AT)
    if state == DraftState.PUBLISHED:
        publish(found, hiro)
    elif state == DraftState.REPLACED:
        drafting.write(staff=grace, text=f"{found.text}\n# more", at=AT, replaces=found.pk)
    elif state == DraftState.DISCARDED:
        drafting.discard(draft_id=found.pk, staff=grace)
    found.refresh_from_db()
    assert found.state == state
    return found


# --- moves


def test_a_draft_that_passes_is_checked_once(draft: PolicyDraft, grace: User, hiro: User) -> None:
    drafting.check(draft_id=draft.pk, staff=grace, at=AT)
    again = drafting.check(draft_id=draft.pk, staff=hiro, at=LATER)

    assert (again.state, again.checked_by, again.checked_at) == (DraftState.CHECKED, grace, AT)


def test_a_checked_draft_is_published_by_another_person(grace: User, hiro: User) -> None:
    draft = policies.checked(grace)

    version = publish(draft, hiro, start=LATER, seen=drafting.token(draft, AT))

    draft.refresh_from_db()
    assert (draft.state, draft.version) == (DraftState.PUBLISHED, version)
    assert (version.author, version.published_by, version.effective_from) == (grace, hiro, LATER)
    assert (version.hash, version.text) == (draft.hash, draft.text)
    assert not PolicyAnnouncement.objects.exists()


def test_an_announcement_is_asked_for_with_the_publication(grace: User, hiro: User) -> None:
    version = publish(policies.checked(grace), hiro, announce=True)

    asked = PolicyAnnouncement.objects.get()
    assert (asked.version, asked.asked_by, asked.finished_at) == (version, hiro, None)


def test_editing_a_checked_draft_takes_the_check_from_what_follows(grace: User) -> None:
    before = policies.checked(grace)

    after = drafting.write(staff=grace, text=f"{before.text}\n# more", at=LATER, replaces=before.pk)

    before.refresh_from_db()
    assert (before.state, after.state, after.replaces) == (DraftState.REPLACED, DraftState.DRAFT, before)
    assert (after.checked_by, after.note) == (None, before.note)


# --- moves that there are not


@pytest.mark.parametrize("state", [DraftState.PUBLISHED, DraftState.REPLACED, DraftState.DISCARDED])
def test_refuses_to_move_what_is_over(state: DraftState, grace: User, hiro: User) -> None:
    over = brought_to(state, grace, hiro)

    for move in (
        lambda: drafting.write(staff=grace, text="something else", at=AT, replaces=over.pk),
        lambda: drafting.check(draft_id=over.pk, staff=grace, at=AT),
        lambda: drafting.discard(draft_id=over.pk, staff=grace),
        lambda: publish(over, hiro),
    ):
        said = refused(drafting.DraftMoved, move)
        assert said.message == f"This draft is {over.get_state_display().lower()}."


def test_refuses_drafts_that_there_are_not(draft: PolicyDraft, grace: User, hiro: User) -> None:
    nowhere = draft.pk + 1

    refused(drafting.DraftNotFound, lambda: drafting.write(staff=grace, text="x", at=AT, replaces=nowhere))
    refused(drafting.DraftNotFound, lambda: drafting.check(draft_id=nowhere, staff=grace, at=AT))
    refused(drafting.DraftNotFound, lambda: drafting.discard(draft_id=nowhere, staff=grace))
    refused(
        drafting.DraftNotFound,
        lambda: drafting.publish(draft_id=nowhere, staff=hiro, effective_from=AT, announce=True, seen=None, at=AT),
    )


def test_refuses_to_publish_for_its_author(grace: User) -> None:
    draft = policies.checked(grace)

    refused(Forbidden, lambda: publish(draft, grace, announce=True))


def test_refuses_to_publish_what_nobody_has_checked(draft: PolicyDraft, hiro: User) -> None:
    refused(drafting.NotChecked, lambda: publish(draft, hiro, announce=True))


@pytest.mark.parametrize("start", [AT - timedelta(microseconds=1), AT - timedelta(days=400)])
def test_refuses_a_start_in_the_past(start: datetime, grace: User, hiro: User) -> None:
    draft = policies.checked(grace)

    said = refused(publishing.NotPublishable, lambda: publish(draft, hiro, start=start, announce=True))

    assert said.field == "effective_from"


def test_refuses_what_was_shown_before_another_publication(grace: User, hiro: User) -> None:
    draft = policies.checked(grace)
    shown = drafting.token(draft, AT)
    policies.publish(grace, hiro, policies.shipped("panel-credit-only"))

    refused(drafting.PublicationChanged, lambda: publish(draft, hiro, seen=shown, announce=True))


def test_refuses_the_document_that_is_in_force_already(grace: User, hiro: User) -> None:
    draft = policies.checked(grace, policies.shipped("money-back-guarantee"))

    refused(publishing.AlreadyPublished, lambda: publish(draft, hiro, announce=True))


def test_refuses_to_check_what_does_not_pass_its_proof(grace: User) -> None:
    text = policies.shipped("panel-credit-only").replace(", keeps_undelivered = true", "", 1)
    draft = policies.draft(grace, text)

    refused(drafting.NotChecked, lambda: drafting.check(draft_id=draft.pk, staff=grace, at=AT))


def test_refuses_to_check_and_publish_a_document_with_an_example_that_fails(grace: User, hiro: User) -> None:
    draft = policies.draft(grace, WRONG_EXAMPLE)
    assert [one.passed for one in drafting.proof_of(draft).tried].count(False) == 1

    refused(drafting.NotChecked, lambda: drafting.check(draft_id=draft.pk, staff=grace, at=AT))

    # Even one that was checked when its examples still passed: publishing tries them again.
    PolicyDraft.objects.filter(pk=draft.pk).update(state=DraftState.CHECKED, checked_at=AT, checked_by=grace)
    refused(publishing.NotPublishable, lambda: publish(draft, hiro, announce=True))


def test_refuses_to_check_what_can_not_be_read(grace: User) -> None:
    draft = policies.draft(grace, 'slug = "unfinished')

    refused(PolicyInvalid, lambda: drafting.check(draft_id=draft.pk, staff=grace, at=AT))


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (drafting.LONGEST_DOCUMENT + 1)])
def test_refuses_texts_that_are_none_or_too_long(text: str, draft: PolicyDraft, grace: User) -> None:
    for replaces in (None, draft.pk):
        said = refused(Refused, lambda: drafting.write(staff=grace, text=text, at=AT, replaces=replaces))  # noqa: B023 - called at once
        assert said.field == "text"


def test_refuses_to_replace_a_draft_by_the_same(draft: PolicyDraft, grace: User) -> None:
    refused(Refused, lambda: drafting.write(staff=grace, text=draft.text, at=AT, replaces=draft.pk))
    refused(
        Refused, lambda: drafting.write(staff=grace, text=f"{draft.text}", note=draft.note, at=AT, replaces=draft.pk)
    )


@pytest.mark.parametrize("who", ["customer", "agent", "approver", "former manager"])
def test_refuses_everything_to_whoever_is_no_manager(who: str, grace: User) -> None:
    draft, checked = policies.draft(grace), policies.checked(grace)
    groups = {"agent": staff_groups.AGENT, "approver": staff_groups.APPROVER, "former manager": staff_groups.MANAGER}
    person = make_customer("ada") if who == "customer" else make_staff("kai", groups[who])
    User.objects.filter(pk=person.pk).update(is_active=who != "former manager")
    person = User.objects.get(pk=person.pk)

    refused(Forbidden, lambda: drafting.write(staff=person, text="x", at=AT))
    refused(Forbidden, lambda: drafting.write(staff=person, text="x", at=AT, replaces=draft.pk))
    refused(Forbidden, lambda: drafting.check(draft_id=draft.pk, staff=person, at=AT))
    refused(Forbidden, lambda: drafting.discard(draft_id=draft.pk, staff=person))
    refused(Forbidden, lambda: publish(checked, person))
    coming = policies.publish(grace, make_staff("hiro"), start=LATER)
    refused(Forbidden, lambda: publishing.withdraw(version_id=coming.pk, staff=person, at=AT))


def test_what_could_not_be_published_does_not_pass_its_check(grace: User) -> None:
    text = policies.LONGER_REVIEW.replace("\ntitle =", '\ncustomer_group = "nobodies"\ntitle =', 1)
    draft = policies.draft(grace, text)

    error = refused(drafting.NotChecked, lambda: drafting.check(draft_id=draft.pk, staff=grace, at=AT))

    assert "There is no customer group 'nobodies'" in error.message
