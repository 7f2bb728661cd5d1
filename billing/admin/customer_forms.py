"""What staff fill in about a customer."""

import uuid
from typing import Any

from django import forms
from unfold.forms import UserCreationForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from billing.models import CustomerAccount
from panel.accounts import blocklist
from panel.accounts.admin.fields import AmountField, choice, line
from panel.accounts.models import User

_ADJUSTABLE = [(kind.value, kind.label) for kind in (CustomerAccount.AVAILABLE, CustomerAccount.PROMO)]


class AddCustomerForm(UserCreationForm):  # type: ignore[misc] # the theme carries no types
    """A new account. Without a password, its owner sets one by "Forgot your password?"."""

    class Meta:
        model = User
        fields = ("email", "name")
        widgets = {"email": UnfoldAdminEmailInputWidget(), "name": UnfoldAdminTextInputWidget()}

    def clean_email(self) -> str:
        """Keep addresses in lower case, as everywhere else."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError("An account with this e-mail address exists.")
        if blocklist.is_blocked(email=email):
            raise forms.ValidationError("This address is blocked: lift that first, if its owner may come back.")
        return email


class AdjustmentForm(forms.Form):
    """An amount to credit or debit. `key` is made with the page, so a form sent twice books once."""

    amount = AmountField()
    account = choice(_ADJUSTABLE, label="Balance")
    reason = line(help_text="The customer reads this on the statement.")
    key = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid.uuid4)


class SuspensionForm(forms.Form):
    """Why an account is suspended."""

    reason = line(help_text="The customer reads this when an order or an API call is refused.")


def standing_form(others: list[tuple[str, Any]]) -> type[forms.Form]:
    """Return the form that changes how a customer stands to one of `others`."""

    class StandingForm(forms.Form):
        to = choice(others, label="Standing")
        reason = line(help_text="Whoever looks at this customer next reads it. The customer does not.")

    return StandingForm
