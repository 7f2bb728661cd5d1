"""What staff do with policy drafts: start, write, edit a clause, check, try, publish, discard."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from panel.accounts.admin.asking import Done, Preview, Question, ask, staff_of
from panel.accounts.admin.pages import Panel, StaffAdmin, counted
from panel.kernel.errors import PanelError
from refunds import announcing, drafting, publishing
from refunds.admin import clause_mistakes, difference_panels, draft_forms
from refunds.backtesting import running, runs
from refunds.models import PolicyDraft, PolicyVersion
from refunds.policy import loader, rewriting
from refunds.policy.document import DEFAULT_ID, Policy
from refunds.policy.loader import PolicyInvalid

_LIST: Final = "admin:refunds_policydraft_changelist"
_PAGE: Final = "admin:refunds_policydraft_change"


def start(page: StaffAdmin, request: HttpRequest) -> HttpResponse:
    """Ask what to start from, and make a draft of it."""
    versions = list(PolicyVersion.objects.filter(withdrawn_at__isnull=True)[:50])
    bases = [(f"version:{version.pk}", f"{version} (published)") for version in versions]
    bases += [(f"shipped:{slug}", f"{slug} (as it ships)") for slug in loader.shipped_slugs()]

    def act(given: dict[str, Any]) -> Done:
        kind, _, name = given["base"].partition(":")
        version = next((one for one in versions if kind == "version" and str(one.pk) == name), None)
        text = version.text if version else loader.load_shipped(name).text
        made = drafting.write(
            staff=staff_of(request), text=text, note=given["note"], based_on=version, at=timezone.now()
        )
        return Done(f"{made} is begun. Nothing that is in force has changed.", reverse(_PAGE, args=[made.pk]))

    question = Question(
        title="Start a policy draft",
        form=draft_forms.starting(bases),
        lead="A draft changes nothing for customers until a second person publishes it.",
        act=act,
        back=reverse(_LIST),
        submit="Start",
    )
    return ask(page, request, question)


def write(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Ask for the whole document, and keep it as what the draft has become."""
    if not draft.is_open:
        return _closed(request, draft)

    def act(given: dict[str, Any]) -> Done:
        return _replace(request, draft, given["text"], given["note"])

    question = Question(
        title=f"Edit the document of draft {draft.pk}",
        form=draft_forms.writing(draft.text, draft.note),
        act=act,
        back=reverse(_PAGE, args=[draft.pk]),
        submit="Keep it",
    )
    return ask(page, request, question)


def clause(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Ask about one clause as the address says: `clause` is its place or `default`, `do` what to do with it."""
    if not draft.is_open:
        return _closed(request, draft)
    policy = _readable(draft)
    at, what = _asked_clause(request, policy)
    if what in {"up", "down", "remove"}:
        return _rearrange(page, request, draft, policy, at, what)
    is_new = what == "before"

    def act(given: dict[str, Any]) -> Done:
        fields = draft_forms.fields_of(given, clause_id=DEFAULT_ID)
        change = rewriting.inserted if is_new else rewriting.replaced
        text = change(draft.text, at, fields)
        _require_sound(text)
        return _replace(request, draft, text, draft.note)

    named = DEFAULT_ID if at is None else policy.clauses[at].id
    question = Question(
        title=f"Add a clause before {named}" if is_new else f"Edit clause {named}",
        lead="A clause counts when one of the ticked answers is true for each question that has any ticked.",
        form=draft_forms.clause(policy, at, is_new=is_new),
        act=act,
        back=reverse(_PAGE, args=[draft.pk]),
        submit="Keep it",
    )
    return ask(page, request, question)


def _rearrange(
    page: StaffAdmin, request: HttpRequest, draft: PolicyDraft, policy: Policy, at: int | None, what: str
) -> HttpResponse:
    if at is None:
        raise Http404
    name = policy.clauses[at].id
    expecting = [place for place, example in enumerate(policy.examples) if example.clause == name]
    with_it = f" with {counted(len(expecting), 'example')} of it" if expecting else ""
    leads = {
        "up": f"{name} is then tried before {policy.clauses[max(at - 1, 0)].id}.",
        "down": f"{name} is then tried later.",
        "remove": f"{name} is taken out of the document{with_it}; its cases go to the clauses after it.",
    }

    def act(_given: dict[str, Any]) -> Done:
        if what == "remove":
            text = rewriting.removed(draft.text, at, examples=expecting)
        else:
            text = rewriting.moved(draft.text, at, to=at - 1 if what == "up" else at + 1)
        _require_sound(text)
        return _replace(request, draft, text, draft.note)

    question = Question(
        title=f"{'Remove' if what == 'remove' else 'Move'} clause {name}",
        lead=leads[what],
        act=act,
        back=reverse(_PAGE, args=[draft.pk]),
        dangerous=what == "remove",
    )
    return ask(page, request, question)


def check(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Prove the draft, and note that it passed."""

    def act(_given: dict[str, Any]) -> str:
        drafting.check(draft_id=draft.pk, staff=staff_of(request), at=timezone.now())
        return f"{draft} passes its proof. Somebody who wrote none of it can publish it."

    lead = "Every combination of facts is tried, and every example. What passes can be published by a second person."
    return ask(page, request, _about(draft, title=f"Check draft {draft.pk}", lead=lead, act=act, submit="Check"))


def discard(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Give the draft up."""

    def act(_given: dict[str, Any]) -> str:
        drafting.discard(draft_id=draft.pk, staff=staff_of(request))
        return f"{draft} is discarded."

    lead = "It stays readable, and another draft can be started from any published policy."
    return ask(page, request, _about(draft, title=f"Discard draft {draft.pk}", lead=lead, act=act, dangerous=True))


def backtest(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Ask for a period, and have the draft tried on its orders."""

    def act(given: dict[str, Any]) -> Done:
        now = timezone.now()
        made = runs.ask(
            draft_id=draft.pk,
            since=given["since"] or running.LONG_AGO,
            until=given["until"] or now,
            staff=staff_of(request),
            at=now,
        )
        return Done(f"{made} waits for a worker.", reverse("admin:refunds_policybacktest_change", args=[made.pk]))

    question = Question(
        title=f"Try draft {draft.pk} on past orders",
        lead="What it would have paid, against what was paid. It only reads, and a worker does it.",
        form=draft_forms.BacktestForm,
        act=act,
        back=reverse(_PAGE, args=[draft.pk]),
        submit="Try it",
    )
    return ask(page, request, question)


def publish(page: StaffAdmin, request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Ask from when it counts, show what changes, and put it in force as a second person."""
    try:
        drafting.require_publishable(draft, staff_of(request))
    except PanelError as error:
        return _back(request, draft, error.message)

    def preview(given: dict[str, Any]) -> Preview:
        now = timezone.now()
        policy = drafting.policy_of(draft)
        before = drafting.predecessor(draft, now)
        since = given["effective_from"]
        publishing.require_start(since or now, now)
        when = f"from {since:%Y-%m-%d %H:%M %Z} on" if since else "from now on"
        lead = f"Orders placed {when} carry it; orders placed before keep theirs."
        if before is None:
            return Preview(Panel("What happens", (), (), lead), drafting.token(draft, now))
        found = difference_panels.outcomes(drafting.difference(before.policy, policy), f"What changes against {before}")
        return Preview(
            Panel(found.title, found.headers, found.rows, f"{lead} {found.note}"), drafting.token(draft, now)
        )

    def act(given: dict[str, Any]) -> Done:
        now = timezone.now()
        version = drafting.publish(
            draft_id=draft.pk,
            staff=staff_of(request),
            effective_from=given["effective_from"] or now,
            announce=given["announce"],
            seen=request.POST.get("_seen"),
            at=now,
        )
        told = f" {counted(announcing.readers(version), 'customer')} will be written to." if given["announce"] else ""
        page_of_it = reverse("admin:refunds_policyversion_change", args=[version.pk])
        return Done(f"{version} is published.{told}", page_of_it)

    question = Question(
        title=f"Publish draft {draft.pk}",
        lead=f"You publish what {draft.author} wrote: read it as the second pair of eyes.",
        form=draft_forms.PublishForm,
        preview=preview,
        act=act,
        back=reverse(_PAGE, args=[draft.pk]),
        submit="Publish",
    )
    return ask(page, request, question)


def _closed(request: HttpRequest, draft: PolicyDraft) -> HttpResponse:
    """Lead back from the form of a draft that is nobody's to change any more."""
    return _back(request, draft, f"This draft is {draft.get_state_display().lower()}: it can't be changed any more.")


def _back(request: HttpRequest, draft: PolicyDraft, why: str) -> HttpResponse:
    messages.error(request, why)
    return HttpResponseRedirect(reverse(_PAGE, args=[draft.pk]))


def _about(draft: PolicyDraft, **options: Any) -> Question:  # noqa: ANN401 - those of Question
    return Question(about=draft, back=reverse(_PAGE, args=[draft.pk]), **options)


def _replace(request: HttpRequest, draft: PolicyDraft, text: str, note: str) -> Done:
    """Keep the text as a new draft, and lead there."""
    made = drafting.write(staff=staff_of(request), text=text, note=note, replaces=draft.pk, at=timezone.now())
    said = f"Kept as draft {made.pk}, which takes the place of draft {draft.pk}."
    return Done(said, reverse(_PAGE, args=[made.pk]))


def _readable(draft: PolicyDraft) -> Policy:
    try:
        return drafting.policy_of(draft)
    except PolicyInvalid as error:  # its page offers no form then
        raise Http404 from error


def _require_sound(text: str) -> None:
    """Refuse a changed document that has mistakes: they stand on the form rather than in the draft."""
    try:
        loader.loads(text, source="The draft")
    except PolicyInvalid as error:
        raise clause_mistakes.of(error) from error


def _asked_clause(request: HttpRequest, policy: Policy) -> tuple[int | None, str]:
    """Return the place of the clause that an address is about, None for the default, and what to do."""
    name, what = request.GET.get("clause", ""), request.GET.get("do", "edit")
    if what not in {"edit", "before", "up", "down", "remove"}:
        raise Http404
    if name == DEFAULT_ID:
        return None, what
    if not (name.isascii() and name.isdecimal() and len(name) <= len("100") and int(name) < len(policy.clauses)):
        raise Http404
    at = int(name)
    if (what == "up" and at == 0) or (what == "down" and at + 1 == len(policy.clauses)):
        raise Http404
    return at, what
