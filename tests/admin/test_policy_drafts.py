"""Writing and proving policies on the staff pages."""

import html
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from panel.accounts.models import CustomerGroup, User
from refunds import drafting
from refunds.models import DraftState, PolicyBacktest, PolicyDraft, PolicyVersion
from refunds.policy import loader
from tests.admin.pages import action, detail, listing, signed_in, submit, text_of
from tests.factories import AT, make_staff, policies

pytestmark = pytest.mark.django_db
DRAFT = "refunds_policydraft"
CLAUSE: dict[str, object] = {
    "id": "dropped-in-time",
    "group": "Cases that a person looks at first",
    "when_status": ["completed"],
    "when_cause": ["dropped"],
    "when_initiator": ["customer"],
    "when_standing": ["clear"],
    "claim_window_hours": "72",
    "refund": "full",
    "approval": "review",
    "cap": "50 %",
    "fee": "",
    "text": "What drops within {claim_window} is looked at, {cap} at most.",
    "because": "it dropped soon",
    "passage": "our own",
}


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def client(grace: User) -> Client:
    return signed_in(grace)


def newest() -> PolicyDraft:
    return PolicyDraft.objects.latest("pk")


def clause_form(draft: PolicyDraft, clause: str, do: str) -> str:
    return reverse("admin:refunds_policydraft_clause", args=[draft.pk], query={"clause": clause, "do": do})


def buttons(response: Any) -> set[str]:
    return {name for name in ("write", "prove", "backtest", "publish", "discard") if f"/{name}" in text_of(response)}


def test_a_draft_is_started_from_the_version_in_force(client: Client, grace: User) -> None:
    version = PolicyVersion.objects.get()

    answer = submit(
        client, reverse("admin:refunds_policydraft_start"), {"base": f"version:{version.pk}", "note": "Shorter"}
    )

    draft = newest()
    assert answer["Location"] == detail(DRAFT, draft.pk)
    assert (draft.text, draft.author, draft.based_on, draft.note) == (version.text, grace, version, "Shorter")


def test_a_draft_is_started_from_a_policy_that_ships(client: Client) -> None:
    submit(client, reverse("admin:refunds_policydraft_start"), {"base": "shipped:panel-credit-only"})

    assert (newest().slug, newest().based_on) == ("panel-credit-only", None)


def test_the_page_of_a_draft_says_that_it_passes_and_what_it_changes(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    said = text_of(client.get(detail(DRAFT, draft.pk)))

    assert "The proof passes" in said
    assert "What changes against Money-back guarantee, version 1" in said
    assert "review.hours" in said
    assert "24 to 96" in said


def test_mistakes_are_named_with_their_lines(client: Client, grace: User) -> None:
    text = policies.shipped("panel-credit-only", ('on_loss = "ban"', 'on_loss = "burn"'))
    draft = policies.draft(grace, text)

    said = text_of(client.get(detail(DRAFT, draft.pk)))

    line = text.split("\n").index('on_loss = "burn"') + 1
    assert "What is wrong with the document" in said
    assert f'<a href="#line-{line}" class="text-link">{line}</a>' in said
    assert f'id="line-{line}"' in said
    assert "chargebacks.on_loss: &#x27;burn&#x27; is not an answer to a lost chargeback" in said


def test_a_counterexample_is_shown_in_words(client: Client, grace: User) -> None:
    text = policies.shipped("panel-credit-only").replace(", keeps_undelivered = true", "", 1)
    draft = policies.draft(grace, text)

    said = text_of(client.get(detail(DRAFT, draft.pk)))

    assert "The proof does not pass" in said
    assert "An order of 10.00 with 1,000 of 1,000 units undelivered: abuse-or-fraud refunds 0.00" in said


def test_a_scope_of_what_the_catalog_does_not_have_is_named_and_not_published(client: Client, grace: User) -> None:
    scope = '[[scopes]]\nid = "creators"\nname = "Creators"\ncategories = [4711]\nservices = [42]\n\n'
    text = policies.shipped("money-back-guarantee", ("# --- Cases that a person", f"{scope}# --- Cases that a person"))
    draft = policies.draft(grace, text)

    said = text_of(client.get(detail(DRAFT, draft.pk)))
    refused = submit(client, action(DRAFT, "prove", draft.pk))

    for page in (said, text_of(refused)):
        assert "Scope creators names category 4711, which there is not." in page
        assert "Scope creators names service 42, which there is not." in page
    draft.refresh_from_db()
    assert draft.state == DraftState.DRAFT


def test_editing_the_document_makes_a_new_draft(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    answer = submit(client, action(DRAFT, "write", draft.pk), {"text": f"{draft.text}\n# more", "note": "More"})

    draft.refresh_from_db()
    made = newest()
    assert answer["Location"] == detail(DRAFT, made.pk)
    assert (draft.state, made.replaces, made.note) == (DraftState.REPLACED, draft, "More")
    assert made.text.endswith("# more")


def test_a_document_with_mistakes_is_kept_too(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    submit(client, action(DRAFT, "write", draft.pk), {"text": 'slug = "unfinished', "note": ""})

    assert newest().text == 'slug = "unfinished'
    assert "not a TOML document" in text_of(client.get(detail(DRAFT, newest().pk)))


def test_the_form_of_a_clause_shows_what_the_document_says(client: Client, grace: User) -> None:
    draft = policies.draft(grace)
    place = next(n for n, one in enumerate(loader.loads(draft.text, "x").clauses) if one.id == "standing-in-doubt")

    form = client.get(clause_form(draft, str(place), "edit")).context["form"]

    assert form["id"].initial == "standing-in-doubt"
    assert form["when_standing"].initial == ["abuse_flagged", "fraud_suspected"]
    assert form["when_status"].initial == ["partial", "canceled"]
    assert form["when_cause"].initial == []
    assert (form["refund"].initial, form["approval"].initial) == ("undelivered", "review")


def test_a_clause_is_added_without_writing_toml(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    answer = submit(client, clause_form(draft, "6", "before"), CLAUSE)

    assert answer.status_code == 302
    added = loader.loads(newest().text, "x").clauses[6]
    assert (added.id, added.when.claim_window_hours) == ("dropped-in-time", 72)
    assert added.when.values[0] == ("status", ("completed",))


def test_a_clause_is_changed_moved_and_taken_out(client: Client, grace: User) -> None:
    def ids() -> list[str]:
        return [clause.id for clause in loader.loads(newest().text, "x").clauses]

    submit(client, clause_form(policies.draft(grace), "6", "before"), CLAUSE)
    before = ids()

    submit(client, clause_form(newest(), "6", "edit"), {**CLAUSE, "id": "dropped-early"})
    assert ids()[6] == "dropped-early"
    submit(client, clause_form(newest(), "6", "up"))
    assert ids()[5] == "dropped-early"
    submit(client, clause_form(newest(), "5", "down"))
    submit(client, clause_form(newest(), "6", "remove"))

    assert ids() == [one for one in before if one != "dropped-in-time"]


def test_what_is_taken_out_takes_the_examples_of_it_along(client: Client, grace: User) -> None:
    draft = policies.draft(grace)
    policy = loader.loads(draft.text, "x")
    gone = policy.clauses[3].id
    assert [example.clause for example in policy.examples].count(gone) == 1

    page = clause_form(draft, "3", "remove")
    asked = text_of(client.get(page))
    submit(client, page)

    assert f"{gone} is taken out of the document with 1 example of it;" in asked
    left = loader.loads(newest().text, "x")
    assert gone not in {clause.id for clause in left.clauses} | {example.clause for example in left.examples}
    assert len(left.examples) == len(policy.examples) - 1


def test_a_change_that_would_leave_mistakes_is_not_kept(client: Client, grace: User) -> None:
    only = policies.shipped("money-back-guarantee")
    head, _, rest = only.partition("[[clauses]]")
    first, tail = "[[clauses]]" + rest[: rest.index("[[clauses]]")], only[only.index("[default]") :]
    draft = policies.draft(grace, head + first + tail[: tail.index("[[examples]]")])

    answer = submit(client, clause_form(draft, "0", "remove"))

    assert "clauses: is missing" in text_of(answer)
    assert newest() == draft


def test_the_default_is_changed_by_its_form(client: Client, grace: User) -> None:
    draft = policies.draft(grace)
    given = {name: value for name, value in CLAUSE.items() if not name.startswith(("id", "when", "claim"))}

    submit(client, clause_form(draft, "default", "edit"), {**given, "cap": "", "text": "We look at all else."})

    assert loader.loads(newest().text, "x").default.text == "We look at all else."


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", "What drops is looked at, {cap} at most.", "must say {claim_window}, so that customers read of it"),
        ("cap", "150 %", "is not a percentage or an amount of money, such as 12.5 % or 0.50"),
        ("id", "Dropped In Time", "is not an id: write lower-case letters"),
        ("because", "It dropped.", "is the end of a sentence; leave out the full stop"),
        ("claim_window_hours", "99999", "99999 is too large: at most 8760"),
    ],
)
def test_a_mistake_in_a_clause_stands_beside_its_field_and_nothing_is_kept(
    client: Client, grace: User, field: str, value: str, said: str
) -> None:
    draft = policies.draft(grace)

    answer = submit(client, clause_form(draft, "6", "before"), {**CLAUSE, field: value})

    assert answer.status_code == 200
    assert said in str(answer.context["form"].errors[field])
    assert newest() == draft


@pytest.mark.parametrize("query", ["clause=99", "clause=-1", "clause=x", "clause=0&do=up", "clause=default&do=remove"])
def test_there_is_no_form_for_what_is_not_there(client: Client, grace: User, query: str) -> None:
    address = reverse("admin:refunds_policydraft_clause", args=[policies.draft(grace).pk])

    assert client.get(f"{address}?{query}").status_code == 404


@pytest.mark.parametrize("do", ["edit", "before", "up", "remove"])
def test_a_draft_that_was_replaced_has_no_forms(client: Client, grace: User, do: str) -> None:
    old = policies.draft(grace)
    drafting.write(staff=grace, text=f"{old.text}# again\n", replaces=old.pk, at=AT)

    for address in (clause_form(old, "1", do), action(DRAFT, "write", old.pk)):
        answer = client.get(address, follow=True)
        assert answer.redirect_chain == [(detail(DRAFT, old.pk), 302)]
        assert "This draft is replaced by a newer draft: it can't be changed any more." in html.unescape(
            text_of(answer)
        )


def test_all_mistakes_of_a_clause_stand_on_its_form_at_once_without_words_of_toml(client: Client, grace: User) -> None:
    draft = policies.draft(grace)
    unticked = {key: value for key, value in CLAUSE.items() if not key.startswith(("when_", "claim_window"))}

    answer = submit(
        client, clause_form(draft, "6", "before"), {**unticked, "id": "Not An Id", "cap": "a lot", "text": "No."}
    )

    errors = answer.context["form"].errors
    assert set(errors) >= {"__all__", "id", "cap"}
    assert "Tick at least one answer" in str(errors["__all__"])
    for word in ("[when]", "quotation marks", "table"):
        assert word not in str(errors)
    assert newest() == draft


def test_buttons_fit_the_state_of_a_draft(client: Client, grace: User) -> None:
    draft = policies.draft(grace)
    page = detail(DRAFT, draft.pk)

    assert buttons(client.get(page)) == {"write", "prove", "backtest", "discard"}
    submit(client, action(DRAFT, "prove", draft.pk))
    assert buttons(client.get(page)) == {"write", "backtest", "discard"}
    assert buttons(signed_in(make_staff("hiro")).get(page)) == {"write", "backtest", "publish", "discard"}
    submit(client, action(DRAFT, "discard", draft.pk))
    assert buttons(client.get(page)) == set()


def test_a_backtest_is_asked_for_a_period(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    answer = submit(client, action(DRAFT, "backtest", draft.pk), {"since": "2026-01-01", "until": "2026-07-01"})

    run = PolicyBacktest.objects.get()
    assert answer["Location"] == detail("refunds_policybacktest", run.pk)
    assert (f"{run.since:%Y-%m-%d}", f"{run.until:%Y-%m-%d}", run.asked_by) == ("2026-01-01", "2026-07-01", grace)


def test_a_period_that_ends_before_it_begins_is_said_beside_its_field(client: Client, grace: User) -> None:
    draft = policies.draft(grace)

    answer = submit(client, action(DRAFT, "backtest", draft.pk), {"since": "2026-07-01", "until": "2026-01-01"})

    assert "The period ends before it begins." in str(answer.context["form"].errors["until"])
    assert not PolicyBacktest.objects.exists()


def test_the_list_shows_what_is_worked_on_and_the_tabs_the_rest(client: Client, grace: User) -> None:
    first = policies.draft(grace)
    submit(client, action(DRAFT, "write", first.pk), {"text": f"{first.text}\n", "note": ""})

    def listed(**query: str) -> set[int]:
        return {row.pk for row in client.get(listing(DRAFT, **query)).context["cl"].result_list}

    assert listed() == {newest().pk}
    assert listed(show="all") == {first.pk, newest().pk}
    assert listed(show="checked") == listed(show="published") == set()


def test_a_draft_is_started_from_any_version(client: Client, grace: User) -> None:
    version = PolicyVersion.objects.get()

    submit(client, action("refunds_policyversion", "new_draft", version.pk))

    assert (newest().based_on, newest().text, newest().author) == (version, version.text, grace)


def test_a_policy_without_a_group_is_for_everybody_until_there_is_a_group(client: Client) -> None:
    page = detail("refunds_policyversion", PolicyVersion.objects.get().pk)

    assert "Everybody else" not in text_of(client.get(page))
    CustomerGroup.objects.create(slug="agencies", name="Agencies")
    assert "Everybody else" in text_of(client.get(page))
