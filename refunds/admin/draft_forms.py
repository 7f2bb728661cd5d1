"""What staff fill in about policy drafts: the document, one clause without TOML, and how it is published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.dateparse import parse_datetime
from unfold import widgets

from panel.accounts.admin.fields import WholeNumberField, choice, line
from refunds import moments
from refunds.policy.clauses import Approval, Clause, Refund
from refunds.policy.describing import ENDED, WORDS
from refunds.policy.document import Policy
from refunds.policy.facts import VOCABULARY
from refunds.policy.matching import Condition
from refunds.policy.rewriting import ClauseFields

_REFUNDS: Final = [
    (Refund.FULL.value, "All of the charge"),
    (Refund.UNDELIVERED.value, "The undelivered part of it"),
    (Refund.NONE.value, "Nothing"),
]
_APPROVALS: Final = [(Approval.AUTOMATIC.value, "At once"), (Approval.REVIEW.value, "A person looks first")]
_LABELS: Final = {
    "status": "Where the order stands",
    "delivery": "How much was delivered",
    "cause": "Why",
    "initiator": "Who moved it, or asks",
    "terms": "Terms of the service",
    "standing": "How the customer stands",
    "since_placed": "How long ago it was placed",
    "since_final": "How long ago it ended",
    "refill": "Refill",
}


class MomentField(forms.CharField):
    """A time such as `2026-12-01 09:00` on the panel's clock; empty for now."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the options of a form field
        super().__init__(max_length=40, widget=widgets.UnfoldAdminTextInputWidget(), **options)

    def clean(self, value: Any) -> datetime | None:  # noqa: ANN401 - whatever the form held
        """Return the instant, or None when the field is empty."""
        text = super().clean(value).strip()
        if not text:
            return None
        try:
            found = parse_datetime(text if len(text) > len("2026-12-01") else f"{text} 00:00")
        except ValueError:
            found = None
        if found is None:
            raise forms.ValidationError("Enter a time such as 2026-12-01 09:00, or leave it empty for now.")
        moment = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
        if not moments.is_readable(moment):
            first, last = moments.EARLIEST.year, moments.LATEST.year - 1
            message = f"Enter a time between the years {first} and {last}."
            raise forms.ValidationError(message)
        return moment


class PublishForm(forms.Form):
    """From when a draft counts, and whether customers are written to."""

    effective_from = MomentField(
        label="In force from",
        required=False,
        help_text=f"Such as 2026-12-01 09:00, on the panel's clock ({settings.TIME_ZONE}). Empty: at once.",
    )
    announce = forms.BooleanField(
        label="Announce it by e-mail to the customers whom it is for",
        required=False,
        widget=widgets.UnfoldBooleanWidget(),
    )


class BacktestForm(forms.Form):
    """Which past orders a draft is tried on."""

    since = MomentField(label="Orders placed from", required=False, help_text="Such as 2026-01-01. Empty: all.")
    until = MomentField(label="Orders placed before", required=False, help_text="Such as 2026-07-01. Empty: until now.")


def starting(bases: list[tuple[str, str]]) -> type[forms.Form]:
    """Return the form that starts a draft from one of the bases."""
    return type(
        "StartForm",
        (forms.Form,),
        {
            "base": choice(bases, label="Start from"),
            "note": line(label="What it is to change, and why", required=False),
        },
    )


def writing(text: str, note: str) -> type[forms.Form]:
    """Return the form that holds a whole document."""
    area = widgets.UnfoldAdminTextareaWidget(
        attrs={"rows": 40, "spellcheck": "false", "style": "font-family: monospace; max-width: none"}
    )
    return type(
        "DocumentForm",
        (forms.Form,),
        {
            "text": forms.CharField(
                label="Document",
                initial=text,
                strip=False,
                widget=area,
                help_text="TOML. It is kept even with mistakes; the draft's page names each with its line.",
            ),
            "note": line(label="What it changes, and why", required=False, initial=note),
        },
    )


def clause(policy: Policy, place: int | None, *, is_new: bool) -> type[forms.Form]:
    """Return the form for the clause at a place (None: the default), or an empty one for a new clause before it."""
    found = policy.default if place is None else policy.clauses[place]
    if is_new:
        found = Clause("", found.group, Condition(), Refund.UNDELIVERED, Approval.REVIEW, "", "", "")
    when = dict(found.when.values)
    fields: dict[str, forms.Field] = {}
    is_default = place is None and not is_new
    if not is_default:
        fields["id"] = line(
            label="Id",
            initial=found.id,
            help_text="Lower-case words with hyphens, such as dropped-in-time. Decisions are stored with it.",
        )
    fields["group"] = line(label="Heading on the public page", initial=found.group)
    if not is_default:
        for fact, values in VOCABULARY.items():
            words = ENDED if fact == "since_final" else WORDS[fact]
            choices = [(str(value), words[value]) for value in values]
            fields[f"when_{fact}"] = _boxes(_LABELS[fact], choices, when.get(fact, ()))
        if policy.scopes.all:
            names = [(one, policy.scopes.name(one)) for one in policy.scopes.ids]
            fields["when_scope"] = _boxes("For which services", names, when.get("scope", ()))
        fields["claim_window_hours"] = WholeNumberField(
            label="Only for so many hours after the order ended",
            required=False,
            initial="" if found.when.claim_window_hours is None else str(found.when.claim_window_hours),
            help_text="Empty: for any age. Then the rule below has to say {claim_window}.",
        )
    fields |= _consequences(found) | _words(found)
    return type("ClauseForm", (forms.Form,), fields)


def _consequences(found: Clause) -> dict[str, forms.Field]:
    return {
        "refund": choice(_REFUNDS, label="What is refunded", initial=found.refund.value),
        "approval": choice(_APPROVALS, label="How", initial=found.approval.value),
        "cap": line(
            label="At most",
            required=False,
            initial="" if found.cap is None else found.cap.written,
            help_text="Such as 50 % (of the charge) or 10.00. Then the rule below has to say {cap}.",
        ),
        "fee": line(
            label="Less a fee of",
            required=False,
            initial="" if found.fee is None else found.fee.written,
            help_text="Such as 2.5 % (of the refund) or 0.50. Then the rule below has to say {fee}.",
        ),
        "keeps_undelivered": forms.BooleanField(
            label="It is meant that money for undelivered work may be kept",
            required=False,
            initial=found.keeps_undelivered,
            widget=widgets.UnfoldBooleanWidget(),
        ),
    }


def _words(found: Clause) -> dict[str, forms.Field]:
    return {
        "text": forms.CharField(
            label="The rule, as customers read it",
            initial=found.text,
            widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        ),
        "because": line(
            label="The reason, as the end of a sentence",
            initial=found.because,
            help_text="“4.00 USD was credited to your balance because …”: lower case, no full stop.",
        ),
        "passage": line(label="Where it comes from", initial=found.passage),
    }


def fields_of(given: dict[str, Any], *, clause_id: str) -> ClauseFields:
    """Return what a clause's form held; `clause_id` for the default, whose form has no id."""
    facts = [*VOCABULARY, "scope"]
    return ClauseFields(
        id=given.get("id", clause_id),
        group=given["group"],
        refund=given["refund"],
        approval=given["approval"],
        text=given["text"],
        because=given["because"],
        passage=given["passage"],
        when={fact: given[f"when_{fact}"] for fact in facts if given.get(f"when_{fact}")},
        claim_window_hours=given.get("claim_window_hours"),
        cap=given["cap"],
        fee=given["fee"],
        keeps_undelivered=given["keeps_undelivered"],
    )


def _boxes(label: str, choices: list[tuple[str, str]], chosen: Sequence[str]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        initial=[str(value) for value in chosen],
        required=False,
        help_text="None ticked: whatever it is.",
        widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget(),
    )
