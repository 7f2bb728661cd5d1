"""Publishing policies on the staff pages: by whom, from when on, and taking back what has not started."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from panel.accounts.models import User
from refunds import drafting
from refunds.models import PolicyAnnouncement, PolicyVersion
from tests.admin.pages import action, detail, signed_in, submit, text_of
from tests.factories import AT, make_staff, policies

pytestmark = pytest.mark.django_db
DRAFT = "refunds_policydraft"


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def client(grace: User) -> Client:
    return signed_in(grace)


def buttons(response: Any) -> set[str]:
    return {name for name in ("write", "prove", "backtest", "publish", "discard") if f"/{name}" in text_of(response)}


def test_a_checked_draft_is_published_by_another_person_from_a_later_day_on(grace: User) -> None:
    draft, hiro = policies.draft(grace), make_staff("hiro")
    submit(signed_in(grace), action(DRAFT, "prove", draft.pk))
    second = signed_in(hiro)

    with time_machine.travel(AT):
        preview = submit(
            second, action(DRAFT, "publish", draft.pk), {"effective_from": "2026-12-01 09:00", "announce": "on"}
        )
        seen = {"_seen": preview.context["preview"].token, "_asked": "1"}
        second.post(
            action(DRAFT, "publish", draft.pk), {**seen, "effective_from": "2026-12-01 09:00", "announce": "on"}
        )

    version = PolicyVersion.objects.get(draft=draft)
    assert "Orders placed from 2026-12-01 09:00 UTC on carry it" in text_of(preview)
    assert (version.author, version.published_by, version.number) == (grace, hiro, 2)
    assert f"{version.effective_from:%Y-%m-%d %H:%M}" == "2026-12-01 09:00"
    assert PolicyAnnouncement.objects.get().version == version


def test_the_author_is_offered_no_publishing_and_can_not_get_around_that(client: Client, grace: User) -> None:
    draft = policies.checked(grace)

    page = client.get(detail(DRAFT, draft.pk))
    form = client.get(action(DRAFT, "publish", draft.pk), follow=True)
    seen = drafting.token(draft, AT)
    refused = client.post(action(DRAFT, "publish", draft.pk), {"_asked": "1", "_seen": seen}, follow=True)

    assert "publish" not in buttons(page)
    for answer in (form, refused):
        assert answer.redirect_chain == [(detail(DRAFT, draft.pk), 302)]
        assert "Nobody publishes what they wrote" in text_of(answer)
    assert PolicyVersion.objects.count() == 1


def test_what_was_shown_before_another_policy_was_published_is_shown_again(grace: User) -> None:
    hiro = make_staff("hiro")
    draft = policies.checked(grace)
    second = signed_in(hiro)
    preview = submit(second, action(DRAFT, "publish", draft.pk), {"effective_from": ""})
    policies.publish(grace, hiro, policies.shipped("panel-credit-only"))

    answer = second.post(action(DRAFT, "publish", draft.pk), {"_asked": "1", "_seen": preview.context["preview"].token})

    assert "has changed since you looked" in text_of(answer)
    assert PolicyVersion.objects.count() == 2


def test_a_start_in_the_past_is_refused_before_anything_is_confirmed(grace: User) -> None:
    draft = policies.checked(grace)

    answer = submit(
        signed_in(make_staff("hiro")), action(DRAFT, "publish", draft.pk), {"effective_from": "2020-01-01 09:00"}
    )

    assert "A policy starts now or later, never in the past." in str(answer.context["form"].errors["effective_from"])
    assert answer.context["preview"] is None


@pytest.mark.parametrize("typed", ["tomorrow", "2026-13-01", "2026-12-01 25:00"])
def test_a_start_that_is_no_time_is_said_so(grace: User, typed: str) -> None:
    draft = policies.checked(grace)

    answer = submit(signed_in(make_staff("hiro")), action(DRAFT, "publish", draft.pk), {"effective_from": typed})

    assert "Enter a time such as 2026-12-01 09:00" in text_of(answer)
    assert PolicyVersion.objects.count() == 1


def test_a_version_that_has_not_started_is_withdrawn(client: Client, grace: User) -> None:
    with time_machine.travel(AT):
        coming = policies.publish(grace, make_staff("hiro"), start=AT.replace(year=2027))
        page = text_of(client.get(detail("refunds_policyversion", coming.pk)))
        submit(client, action("refunds_policyversion", "withdraw", coming.pk))

    coming.refresh_from_db()
    assert "Scheduled" in page
    assert coming.withdrawn_by == grace
    in_force = PolicyVersion.objects.get(number=1)
    assert "Withdraw…" not in text_of(client.get(detail("refunds_policyversion", in_force.pk)))
