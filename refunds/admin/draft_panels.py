"""The page of a policy draft: what is wrong with it, what is proved, what it changes, and its text."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from panel.accounts.admin.pages import Panel, link, moment
from refunds import drafting, publishing, rules
from refunds.admin import difference_panels
from refunds.models import BacktestState, PolicyDraft
from refunds.policy import outcomes
from refunds.policy.analysis import Proof
from refunds.policy.describing import Describer
from refunds.policy.document import DEFAULT_ID, Policy
from refunds.policy.loader import PolicyInvalid

_GOOD, _BAD = "text-green-700 dark:text-green-400", "text-red-700 dark:text-red-400"


def above(draft: PolicyDraft, *, may_write: bool) -> list[Panel]:
    """Return what stands above the fields: whether it may be published, and if not, why; and the clauses."""
    try:
        policy = drafting.policy_of(draft)
    except PolicyInvalid as error:
        return [_problems(error)]
    proof = drafting.proof_of(draft)
    return [
        *_unknown(policy),
        *_verdict(proof),
        _clauses(draft, policy, proof, may_write=may_write and draft.is_open),
    ]


def below(draft: PolicyDraft, at: datetime) -> list[Panel]:
    """Return what stands below: what changes, the proof in full, the examples, the trials, and the text."""
    try:
        policy = drafting.policy_of(draft)
    except PolicyInvalid:
        return [document(draft.text, is_folded=False)]
    proof = drafting.proof_of(draft)
    return [
        *_comparison(draft, policy, at),
        *_details(proof),
        *_backtests(draft),
        document(draft.text),
    ]


def _problems(error: PolicyInvalid) -> Panel:
    rows = [
        ("-" if line is None else format_html('<a href="#line-{}" class="text-link">{}</a>', line, line), problem)
        for line, problem in zip(error.lines, error.problems, strict=True)
    ]
    note = "The document can't be used yet. Each mistake has its line; the text is below."
    return Panel("What is wrong with the document", ("Line", "Problem"), rows, note)


def _verdict(proof: Proof) -> list[Panel]:
    rows: list[Sequence[object]] = [
        (_mark(holds=proof.complete), f"Every combination of facts is decided: {proof.combinations:,} of them."),
        (
            _mark(holds=not proof.unreachable),
            f"These clauses can never decide: {', '.join(proof.unreachable)}."
            if proof.unreachable
            else "Every clause can decide.",
        ),
        *((_mark(holds=finding.holds), finding.sentence) for finding in proof.findings),
        (_mark(holds=all(one.passed for one in proof.tried)), _examples_in_words(proof)),
    ]
    panels = [Panel("The proof passes" if proof.passed else "The proof does not pass", ("", "Proved"), rows)]
    counterexamples = [
        (finding.sentence, example.facts, example.outcome)
        for finding in proof.findings
        for example in finding.counterexamples
    ]
    if counterexamples:
        panels.append(Panel("Counterexamples", ("What does not hold", "For", "Because"), counterexamples))
    return panels


def _unknown(policy: Policy) -> list[Panel]:
    """Return what the document names and the panel does not have; publishing refuses it."""
    found = publishing.unknown_names(policy)
    return [Panel("Names that the panel does not have", (), (), " ".join(found))] if found else []


def _examples_in_words(proof: Proof) -> str:
    if not proof.tried:
        return "The document carries no examples."
    failed = sum(not one.passed for one in proof.tried)
    said = f"{failed} of its {len(proof.tried)} examples fail." if failed else f"All {len(proof.tried)} examples pass."
    return f"{said} Without an example: {', '.join(proof.without_example)}." if proof.without_example else said


def _comparison(draft: PolicyDraft, policy: Policy, at: datetime) -> list[Panel]:
    before = drafting.predecessor(draft, at)
    return (
        [] if before is None else difference_panels.of(drafting.difference(before.policy, policy), before=str(before))
    )


def _clauses(draft: PolicyDraft, policy: Policy, proof: Proof, *, may_write: bool) -> Panel:
    """Return the clauses with how much each decides and, for who may write, the links to their forms."""
    rows: list[Sequence[object]] = []
    for place, (clause, reach) in enumerate(zip(policy.rules, proof.reach, strict=True)):
        links = _clause_links(draft, place, policy) if may_write else clause.group
        named = format_html('<span id="clause-{}" class="font-semibold">{}</span><br>{}', clause.id, clause.id, links)
        rows.append((str(place + 1), named, *_rule(policy, place), f"{reach.covers:,} / {reach.decides:,}"))
    return Panel("Clauses", ("#", "Clause", *_RULE, "Covers / decides"), rows, _FIRST_WINS)


def clauses(policy: Policy) -> Panel:
    """Return the clauses of a policy as a table."""
    rows = [
        (
            str(place + 1),
            format_html('{}<br><span class="text-subtle">{}</span>', clause.id, clause.group),
            *_rule(policy, place),
            clause.passage,
        )
        for place, clause in enumerate(policy.rules)
    ]
    return Panel("Clauses", ("#", "Clause", *_RULE, "Passage"), rows, _FIRST_WINS)


_RULE = ("When", "Then", "What the page says")
_FIRST_WINS = "The first clause that covers an order's facts decides; the default comes last."


def _rule(policy: Policy, place: int) -> tuple[object, object, object]:
    """Return what a clause covers, what follows, and how the page says it."""
    clause = policy.rules[place]
    when = [("When", "anything else")] if clause.when.is_empty else Describer([policy]).condition(clause.when)
    then = outcomes.outcome(clause).words(settings.PANEL_CURRENCY)
    if clause.keeps_undelivered:
        then = format_html('{}<br><span class="text-subtle">may keep undelivered</span>', then)
    return difference_panels.facts(when), then, rules.words(policy, clause.id)


def _clause_links(draft: PolicyDraft, place: int, policy: Policy) -> SafeString:
    """Link to the forms of one clause: edit, put one before it, move it, take it out."""
    clause = policy.rules[place]
    is_default = clause.id == DEFAULT_ID
    offered = ["edit", "before"]
    if not is_default:
        offered += ["up"] if place else []
        offered += ["down"] if place + 1 < len(policy.clauses) else []
        offered += ["remove"]
    names = {"edit": "Edit", "before": "Add above", "up": "Up", "down": "Down", "remove": "Remove"}
    base = reverse("admin:refunds_policydraft_clause", args=[draft.pk])
    at = DEFAULT_ID if is_default else str(place)
    return format_html_join(
        " · ",
        '<a href="{}?clause={}&amp;do={}" class="text-link">{}</a>',
        ((base, at, what, names[what]) for what in offered),
    )


def _details(proof: Proof) -> list[Panel]:
    panels = []
    if proof.default_rows:
        rows = [(difference_panels.facts(row.facts), f"{row.combinations:,}") for row in proof.default_rows]
        panels.append(Panel("What falls to the default", ("For", "Combinations"), rows))
    if proof.overlaps:
        overlaps = [
            (one.winner, one.loser, f"{one.combinations:,}", f"{one.decided_by_winner:,}") for one in proof.overlaps
        ]
        headers = ("Wins", "Loses", "Both cover", "The first decides")
        title = f"Clauses that overlap ({len(overlaps)} pairs)"
        panels.append(Panel(title, headers, overlaps, "The earlier clause wins.", folded=True))
    if proof.tried:
        tried = [
            (_mark(holds=one.passed), one.example.name, one.expected, "" if one.passed else one.said)
            for one in proof.tried
        ]
        panels.append(Panel("Examples", ("", "Example", "Expected", "Came instead"), tried))
    return panels


def _backtests(draft: PolicyDraft) -> list[Panel]:
    found = list(draft.backtests.all()[:10])
    if not found:
        return []
    rows = [
        (
            link("refunds_policybacktest", one.pk, f"Backtest {one.pk}"),
            f"{one.since:%Y-%m-%d} to {one.until:%Y-%m-%d}",
            f"{one.progress} %" if one.state == BacktestState.RUNNING else one.get_state_display(),
            moment(one.asked_at),
        )
        for one in found
    ]
    return [Panel("Tried on past orders", ("Run", "Orders placed", "State", "Asked"), rows)]


def document(text: str, title: str = "Document", *, is_folded: bool = True) -> Panel:
    """Return the text of a document with its lines numbered."""
    lines = format_html_join(
        "\n",
        '<span id="line-{}"><span class="text-subtle select-none">{}</span> {}</span>',
        ((number, f"{number:4}", line) for number, line in enumerate(text.split("\n"), start=1)),
    )
    cell = format_html('<pre class="overflow-x-auto py-3" style="font-size: 12px">{}</pre>', lines)
    return Panel(title, (), [(cell,)], folded=is_folded)


def _mark(*, holds: bool) -> SafeString:
    word, color = ("Yes", _GOOD) if holds else ("No", _BAD)
    return format_html('<span class="font-semibold {}">{}</span>', color, word)
