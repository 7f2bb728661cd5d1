"""What staff fill in at the refund desk."""

from collections.abc import Sequence

from django import forms
from unfold import widgets

from orders.models import Order, OrderStatus
from panel.accounts.admin.fields import AmountField, WholeNumberField, choice, line

_READ = "The customer reads this."


def writing(*, label: str, hint: str) -> forms.CharField:
    """Return a field for a text of several lines; the use case says how long it may be."""
    return forms.CharField(label=label, help_text=hint, widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 8}))


class QuestionForm(forms.Form):
    """A question to the customer."""

    question = writing(label="Question", hint=f"{_READ} It goes out by e-mail and stands on the request's page.")


class NoteForm(forms.Form):
    """A note for colleagues."""

    text = writing(label="Note", hint="The customer never sees it.")


class ReferForm(forms.Form):
    """What the provider is asked."""

    note = line(label="What the provider is asked")


class SendBackForm(forms.Form):
    """Why a recommendation is not confirmed."""

    note = line(label="Why", help_text="For whoever looks at it next. The customer never sees it.")


class ApproveForm(forms.Form):
    """Why it is approved."""

    note = line(label="Why", help_text=_READ)


def approving(order: Order, *, other: bool) -> type[forms.Form]:
    """Return the form for an approval: with the remains if the order runs and ends by it, with an amount if `other`."""
    fields: dict[str, forms.Field] = {}
    if other:
        fields["amount"] = AmountField(label="To be credited now", help_text="In all, whatever the order's end pays.")
    if not order.is_final and order.status != OrderStatus.PENDING:
        fields["remains"] = WholeNumberField(
            label=f"Units undelivered, of {order.quantity:,}",
            initial="" if order.remains is None else str(order.remains),
            help_text="The order ends by this, with so much undelivered.",
        )
    return type("ApprovalForm", (ApproveForm,), fields)


def declining(reasons: Sequence[tuple[str, str]]) -> type[forms.Form]:
    """Return the form for a decline, which names a clause of the policy."""

    class DeclineForm(forms.Form):
        clause = choice([("", "Choose a reason from the policy"), *reasons], label="Reason")
        note = line(label="Why, about this order", help_text=_READ)

    return DeclineForm


def opening(causes: Sequence[tuple[str, str]]) -> type[forms.Form]:
    """Return the form for a request that is opened for a customer who wrote in."""

    class OpeningForm(forms.Form):
        cause = choice(list(causes), label="Cause")
        description = writing(label="What the customer wrote", hint="It stands on the request as its description.")

    return OpeningForm
