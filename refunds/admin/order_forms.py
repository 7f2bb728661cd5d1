"""What staff fill in to move orders."""

from django import forms

from orders.models import Cause
from panel.accounts.admin.fields import WholeNumberField, choice, line

CAUSES = [(cause.value, cause.label) for cause in Cause if cause is not Cause.DELIVERED]


class StartForm(forms.Form):
    """An order that has begun."""

    start_count = WholeNumberField(required=False, help_text="The count at the start, if it is known.")


class PartialForm(forms.Form):
    """An order that ends with units undelivered."""

    remains = WholeNumberField(label="Units undelivered")
    cause = choice(CAUSES, initial=Cause.CANNOT_COMPLETE.value)
    note = line(required=False, help_text="For staff: it stands in the timeline.")


class BulkCancelForm(forms.Form):
    """Orders that are given up, each with the remains last known, or all units."""

    cause = choice(CAUSES, initial=Cause.STAFF_CANCELED.value)
    note = line(required=False, help_text="For staff: it stands in the timeline.")


class CancelForm(BulkCancelForm):
    """An order that is given up."""

    remains = WholeNumberField(
        label="Units undelivered", required=False, help_text="Empty: what was last known, or all units."
    )


class CompleteForm(forms.Form):
    """An order that was delivered in full."""

    note = line(required=False, help_text="For staff: it stands in the timeline.")
