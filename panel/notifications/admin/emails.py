"""E-mails as staff see them: to whom, what it says, how far it got; a failed one can be sent again."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, counted, detail_action, link, shown
from panel.notifications import outbox, rendering
from panel.notifications.models import Email, EmailState

MOST_AT_ONCE: Final = 500
_MOST_SHOWN: Final = 50


class StateFilter(admin.SimpleListFilter):
    """States worded so that each is found over its own index."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("waiting", "Waiting or being sent"), ("failed", "Failed"), ("sent", "Sent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Email]) -> QuerySet[Email]:
        if self.value() == "waiting":
            return queryset.filter(due_at__isnull=False)
        if self.value() in {"failed", "sent"}:
            return queryset.filter(state=self.value())
        return queryset


@admin.register(Email)
class EmailAdmin(ReadOnlyAdmin):
    """Found by the whole address that it goes to."""

    list_display = ("to", "template", "colored_state", "attempts", "created_at", "sent_at", "due_at", "error")
    list_filter = (StateFilter,)
    search_fields = ("to",)
    search_help_text = "Whole e-mail address"
    fieldsets = (
        ("E-mail", {"fields": (("to", "of_customer"), ("template", "key"), "message_id")}),
        (
            "Sending",
            {"fields": (("state", "attempts"), ("created_at", "claimed_at", "sent_at", "due_at"), "error")},
        ),
    )
    act_permission = "notifications.change_email"
    actions = ("send_chosen_again",)
    actions_detail = ("send_again",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Email], search_term: str
    ) -> tuple[QuerySet[Email], bool]:
        term = search_term.strip()
        return (queryset.filter(to__in=[term, term.lower()]) if term else queryset), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer to send again only what failed."""
        failed = Email.objects.filter(pk=object_id, state=EmailState.FAILED).exists()
        return super().get_actions_detail(request, object_id) if failed else []

    def panels(self, request: HttpRequest, obj: Email) -> Sequence[Panel]:
        try:
            said = rendering.letter(obj)
        except Exception as error:  # noqa: BLE001 - a template that does not render is what staff came to see
            return [Panel("Preview", (), [(f"It can't be rendered: {type(error).__name__}: {error}",)])]
        return [
            Panel("Preview", (), [(_frame(said.html),)], note=said.subject),
            Panel("The same as plain text", (), [(_plain(said.text),)]),
        ]

    @admin.action(description="Send again…", permissions=["act"])
    def send_chosen_again(self, request: HttpRequest, queryset: QuerySet[Email]) -> HttpResponse | None:
        failed = list(queryset.filter(state=EmailState.FAILED).order_by("pk")[:MOST_AT_ONCE])
        if not failed:
            messages.error(request, "None of these has failed.")
            return None

        def act(_given: object) -> str:
            number = outbox.send_chosen_again(
                email_ids=[email.pk for email in failed], staff=staff_of(request), at=timezone.now()
            )
            return f"{counted(number, 'e-mail')} {'is' if number == 1 else 'are'} sent again."

        rows = [
            (link("notifications_email", email.pk, email.to), email.template, email.error)
            for email in failed[:_MOST_SHOWN]
        ]
        more = len(failed) - len(rows)
        question = Question(
            title=f"Send {counted(len(failed), 'e-mail')} again",
            lead=f"Mend what made them fail first; the e-mails themselves stay as they are. These are the failed ones "
            f"among those chosen, the oldest {MOST_AT_ONCE} at most.",
            submit="Send them again",
            act=act,
            panels=[Panel("Failed", ("To", "Template", "Error"), rows, note=f"And {more:,} more." if more else "")],
            back=request.get_full_path(),
            carried=[
                ("action", "send_chosen_again"),
                *((helpers.ACTION_CHECKBOX_NAME, str(email.pk)) for email in failed),
            ],
        )
        return ask(self, request, question)

    @shown(description="Customer")
    def of_customer(self, email: Email) -> object:
        return link("accounts_user", email.customer_id, email.customer)

    @shown(
        description="State",
        ordering="state",
        label={"pending": "info", "sending": "info", "sent": "success", "failed": "danger"},
    )
    def colored_state(self, email: Email) -> tuple[str, str]:
        return email.state, email.get_state_display()

    @detail_action(description="Send again…", permissions=["act"], icon="send")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        email: Email = self.found(request, object_id)

        def act(_given: object) -> str:
            outbox.send_again(email_id=email.pk, staff=staff_of(request), at=timezone.now())
            return f"The e-mail to {email.to} is sent again."

        question = Question(
            title=f"Send the e-mail to {email.to} again",
            lead=f"It failed: {email.error} Mend that first; the e-mail itself stays as it is.",
            submit="Send it again",
            act=act,
            about=email,
            back=reverse("admin:notifications_email_change", args=[email.pk]),
        )
        return ask(self, request, question)


def _frame(html: str) -> SafeString:
    """Show the HTML as a mailbox would, shut off from the page: no scripts, no styles in or out."""
    # What a template rendered counts as safe HTML, and here it stands in an attribute: escape it whatever it counts as.
    return format_html(
        '<iframe sandbox="" srcdoc="{}" title="The e-mail" class="bg-white w-full" height="560"></iframe>', escape(html)
    )


def _plain(text: str) -> SafeString:
    return format_html('<pre class="overflow-x-auto whitespace-pre-wrap py-3">{}</pre>', text)
