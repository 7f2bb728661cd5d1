"""The one way in which staff pages act: show a form, say beforehand what will happen, make one use-case call.

A refusal of the use case stands in the form, beside its field; nothing a person types ends in an error page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from panel.accounts.admin.pages import Panel, StaffAdmin, amount
from panel.accounts.models import User
from panel.kernel.errors import PanelError, Refused
from panel.locking import busy_when_locked

_CHANGED = "What would happen has changed since you looked. Please read it again."


class Mistakes(Refused):
    """Several mistakes at once: each with its field, None for the form as a whole, and a sentence."""

    code = "mistakes"

    def __init__(self, mistakes: Sequence[tuple[str | None, str]]) -> None:
        """Keep the mistakes; the message is all their sentences."""
        super().__init__(" ".join(said for _, said in mistakes))
        self.mistakes = tuple(mistakes)


class NoQuestions(forms.Form):
    """A form for what needs only a confirmation."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What carrying it out would do. A `token` other than the confirmed one means that this has changed."""

    panel: Panel
    token: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, as a sentence, and where it leads: to a row that was made, for instance."""

    said: str
    leads_to: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One action on one page.

    Attributes:
        act: takes the cleaned data, makes the use-case call, and returns what was done as a sentence (empty for none),
            or as Done when it leads elsewhere than back.
        back: the address to return to afterwards.
        submit: what the button says, if not the title.
        about: the row whose history notes what was done.
        preview: with it, a valid form is first answered by what would happen, and carried out when that is confirmed.
        carried: hidden inputs that lead a second request here again (the list's chosen action and rows).
    """

    title: str
    act: Callable[[dict[str, Any]], str | Done]
    back: str
    submit: str = ""
    form: type[forms.Form] = NoQuestions
    about: Model | None = None
    lead: str = ""
    panels: Sequence[Panel] = ()
    preview: Callable[[dict[str, Any]], Preview] | None = None
    carried: Sequence[tuple[str, str]] = ()
    dangerous: bool = False


def ask(page: StaffAdmin, request: HttpRequest, question: Question) -> HttpResponse:
    """Answer a request about `question`: the form, its refusals, the preview, or a redirect when it is done."""
    asked = request.method == "POST" and "_asked" in request.POST
    form = question.form(request.POST if asked else None)
    if not (asked and form.is_valid()):
        return _page(page, request, question, form)
    try:
        with busy_when_locked():
            if question.preview is not None:
                preview = question.preview(form.cleaned_data)
                seen = request.POST.get("_seen")
                if seen != preview.token:
                    return _page(page, request, question, form, preview=preview, warning=_CHANGED if seen else "")
            done = question.act(form.cleaned_data)
    except PanelError as error:
        found = error.mistakes if isinstance(error, Mistakes) else [(error.field, error.message)]
        for field, said in found:
            form.add_error(field if field in form.fields else None, said)
        return _page(page, request, question, form)
    said, leads_to = (done.said, done.leads_to) if isinstance(done, Done) else (done, question.back)
    if said:
        messages.success(request, said)
        if question.about is not None:
            page.log_change(request, question.about, said)
    return HttpResponseRedirect(leads_to)


def staff_of(request: HttpRequest) -> User:
    """Return who acts: the staff pages let nobody in who is not signed in."""
    return cast("User", request.user)


def _page(
    page: StaffAdmin,
    request: HttpRequest,
    question: Question,
    form: forms.Form,
    *,
    preview: Preview | None = None,
    warning: str = "",
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "opts": page.model._meta,  # noqa: SLF001 - Django's documented name for it
        "title": question.title,
        "question": question,
        "form": form,
        "preview": preview,
        "foresees": question.preview is not None,
        "summary": _summary(form) if preview else [],
        "warning": warning,
    }
    return TemplateResponse(request, "admin/ask.html", context)


def _summary(form: forms.Form) -> list[tuple[str, object]]:
    """Return what was typed, in words, for the page that asks for a confirmation."""
    said: list[tuple[str, object]] = []
    for bound in form.visible_fields():
        value = form.cleaned_data.get(bound.name)
        if isinstance(bound.field, forms.ChoiceField):
            value = dict(bound.field.choices).get(value, value)  # type: ignore[arg-type] # plain pairs, never groups
        if isinstance(value, Decimal):
            value = amount(value)
        if isinstance(value, bool):
            value = "Yes" if value else "No"
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in {None, ""}:
            said.append((str(bound.label), value))
    return said
