"""What staff fill in about tickets."""

from collections.abc import Sequence

from django import forms
from unfold import widgets

from orders.models import Order
from panel.accounts.admin.fields import choice
from panel.accounts.models import User
from panel.support.models.ticket import LONGEST_TEXT
from refunds.desk import causes


def writing(*, label: str, hint: str, initial: str = "") -> type[forms.Form]:
    """Return a form for one text of several lines, which begins with `initial`."""

    class WritingForm(forms.Form):
        # The use case strips it and says what is wrong with it.
        text = forms.CharField(
            label=label,
            help_text=f"{hint} Up to {LONGEST_TEXT:,} characters.",
            initial=initial,
            widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        )

    return WritingForm


def assigning(staff: Sequence[User], *, current: int | None) -> type[forms.Form]:
    """Return a form that chooses one of these people, or nobody."""

    class AssignForm(forms.Form):
        assignee = choice(
            [
                ("", "Nobody: back to the queue"),
                *((str(p.pk), f"{p.name} ({p.email})" if p.name else p.email) for p in staff),
            ],
            label="Assigned to",
            required=False,
            initial=str(current or ""),
        )

    return AssignForm


def turning(orders: Sequence[Order], *, is_fixed: bool) -> type[forms.Form]:
    """Return a form for the cause, and for which of these orders it is unless the ticket says so (`is_fixed`)."""
    fitting = dict(pair for order in orders for pair in causes.fitting(order))
    offered = [("", "Please choose"), *((cause.value, words) for cause, words in fitting.items())]

    class TurnForm(forms.Form):
        cause = choice(offered, label="Cause, in the customer's words")

    if is_fixed:
        return TurnForm

    class TurnWithOrderForm(TurnForm):
        field_order = ("order", "cause")
        order = choice(
            [
                ("", "Please choose"),
                *((str(o.pk), f"{o.pk}: {o.service_name}, {o.get_status_display().lower()}") for o in orders),
            ],
            label="Order",
            help_text="One of the customer's latest; the ticket keeps it.",
        )

    return TurnWithOrderForm
