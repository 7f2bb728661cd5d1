"""Form fields of staff pages that read numbers as strictly as the API does: plain ASCII digits, nothing rounded."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms
from unfold import widgets

from panel.kernel import money

_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class AmountField(forms.CharField):
    """An amount of money such as `12.50`; cleans to a Decimal at the money scale."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the options of a form field
        options.setdefault("widget", widgets.UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}))
        super().__init__(max_length=30, **options)

    def clean(self, value: Any) -> Decimal | None:  # noqa: ANN401 - whatever the form held
        """Return the amount, or None when the field is empty and not required."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return money.parse(text)
        except money.NotMoney as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - as above
        """Show a stored amount without trailing zeros."""
        return money.plain(value) if isinstance(value, Decimal) else value

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ANN401 - as above
        """Compare amounts, not their spelling: `2.5` is `2.50`."""
        try:
            return initial is None or money.parse(str(data or "")) != initial
        except money.NotMoney:
            return True


class WholeNumberField(forms.CharField):
    """A whole number of units, 0 or more; cleans to an int, or None when it may be empty and is."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the options of a form field
        options.setdefault("widget", widgets.UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}))
        super().__init__(max_length=30, **options)

    def clean(self, value: Any) -> int | None:  # noqa: ANN401 - whatever the form held
        """Return the number."""
        text = super().clean(value)
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            raise forms.ValidationError("Enter a whole number in plain digits, such as 250.")
        return int(text)

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ANN401 - as above
        """Compare with the stored number."""
        return str(data or "") != ("" if initial is None else str(initial))


def line(**options: Any) -> forms.CharField:  # noqa: ANN401 - the options of a form field
    """Return a field for one line of text, up to the 300 characters that notes and reasons hold."""
    return forms.CharField(max_length=300, widget=widgets.UnfoldAdminTextInputWidget(), **options)


def choice(choices: list[tuple[str, Any]], **options: Any) -> forms.ChoiceField:  # noqa: ANN401 - as above
    """Return a drop-down."""
    return forms.ChoiceField(choices=choices, widget=widgets.UnfoldAdminSelectWidget(), **options)
