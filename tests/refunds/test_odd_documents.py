"""Documents that only an attacker or a broken editor writes are drafts, and their pages say what is wrong."""

import pytest
from django.test import Client

from panel.kernel.errors import Refused
from refunds import drafting
from refunds.models import PolicyDraft
from tests.admin.pages import action, detail, signed_in, submit, text_of
from tests.factories import AT, make_staff, policies

pytestmark = pytest.mark.django_db
DRAFT = "refunds_policydraft"


@pytest.mark.parametrize(
    "line",
    [
        'odd = "\\u0000"',
        "odd = 0x" + "f" * 150,
        "odd = 0x" + "f" * 5000,
        "odd = " + "9" * 5000,
        "a" + ".a" * 3000 + " = 1",
        "odd = " + "[" * 900 + "]" * 900,
    ],
)
def test_its_page_says_what_is_wrong(line: str) -> None:
    client: Client = signed_in(make_staff("grace"))
    draft = policies.draft(make_staff("hiro"))

    submit(client, action(DRAFT, "write", draft.pk), {"text": f"{line}\n{draft.text}"})

    made = PolicyDraft.objects.latest("pk")
    assert made.replaces == draft
    answer = client.get(detail(DRAFT, made.pk))
    assert answer.status_code == 200
    assert "What is wrong with the document" in text_of(answer)


def test_slug_and_title_are_kept_as_far_as_they_can_be_shown() -> None:
    text = 'slug = "a\\u0000b"\ntitle = "\\u202eOne\\ntwo\\u0007"'

    made = drafting.write(staff=make_staff("grace"), text=text, at=AT)

    made.refresh_from_db()
    assert (made.slug, made.title) == ("a b", "One two")


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_what_the_database_can_not_hold_is_refused(character: str) -> None:
    with pytest.raises(Refused) as refused:
        drafting.write(staff=make_staff("grace"), text=f"# {character}", at=AT)

    assert refused.value.field == "text"
    assert not PolicyDraft.objects.exists()
