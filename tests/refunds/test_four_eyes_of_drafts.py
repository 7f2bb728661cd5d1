"""Whoever wrote any of a policy's text does not put it in force, however the draft was handed on."""

import pytest

from panel.accounts.models import User
from panel.kernel.errors import Forbidden
from refunds import drafting
from refunds.models import DraftState, PolicyDraft, PolicyVersion
from tests.factories import AT, make_staff, policies

pytestmark = pytest.mark.django_db


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def hiro() -> User:
    return make_staff("hiro")


def rewritten(draft: PolicyDraft, by: User, text: str, note: str = "") -> PolicyDraft:
    """Replace a draft and check what it becomes."""
    made = drafting.write(staff=by, text=text, note=note, replaces=draft.pk, at=AT)
    return drafting.check(draft_id=made.pk, staff=by, at=AT)


def publish(draft: PolicyDraft, by: User) -> PolicyVersion:
    return drafting.publish(draft_id=draft.pk, staff=by, effective_from=AT, announce=False, seen=None, at=AT)


def assert_refused(draft: PolicyDraft, by: User) -> None:
    with pytest.raises(Forbidden, match="Nobody publishes what they wrote"):
        publish(draft, by)
    draft.refresh_from_db()
    assert draft.state == DraftState.CHECKED
    assert PolicyVersion.objects.count() == 1


def test_one_character_of_another_person_does_not_open_the_door(grace: User, hiro: User) -> None:
    touched = rewritten(policies.draft(grace), hiro, policies.LONGER_REVIEW + "\n# .")

    assert touched.author == hiro
    assert_refused(touched, grace)


def test_nor_do_many_hands(grace: User, hiro: User) -> None:
    draft = policies.draft(grace)
    for number, name in enumerate(["ivy", "jo", "kim"]):
        draft = rewritten(draft, make_staff(name), f"{policies.LONGER_REVIEW}\n# {number}")

    assert_refused(draft, grace)
    assert publish(draft, hiro).published_by == hiro


def test_an_unchanged_text_keeps_its_author(grace: User, hiro: User) -> None:
    noted = rewritten(policies.draft(grace), hiro, policies.LONGER_REVIEW, note="Read twice")

    assert (noted.author, noted.note) == (grace, "Read twice")
    assert_refused(noted, grace)
    version = publish(noted, hiro)
    assert (version.author, version.published_by) == (grace, hiro)


def test_another_line_of_drafts_is_another_matter(grace: User, hiro: User) -> None:
    policies.draft(grace)

    version = publish(policies.checked(hiro, policies.shipped("panel-credit-only")), grace)

    assert (version.author, version.published_by) == (hiro, grace)
