"""What a parameter may be. Each reads the text that came in as its value, or refuses it as Stripe does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.form import Upload

MOST_KEYS: Final = 50
LONGEST_KEY: Final = 40
LONGEST_VALUE: Final = 500
_LARGEST_WHOLE_DIGITS: Final = 15


class Parameter(Protocol):
    """One of the kinds below."""

    def read(self, value: object, name: str) -> object:
        """Return the value of the parameter that is called `name`. Raises StripeError."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text, one of `choices` if there are any."""

    longest: int = 5000
    choices: tuple[str, ...] = ()
    may_be_empty: bool = False

    def read(self, value: object, name: str) -> str:
        """See Parameter."""
        if not isinstance(value, str):
            raise StripeError("Invalid string", param=name)
        if not value and not self.may_be_empty:
            raise StripeError(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter;"
                f" however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty"
                " value.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > self.longest:
            raise StripeError(f"Invalid string: must be at most {self.longest} characters", param=name)
        if self.choices and value not in self.choices:
            raise StripeError(f"Invalid {name}: must be one of {', '.join(self.choices)}", param=name)
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    least: int = 0
    most: int = 10**_LARGEST_WHOLE_DIGITS

    def read(self, value: object, name: str) -> int:
        """See Parameter."""
        digits = value.removeprefix("-") if isinstance(value, str) else ""
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > _LARGEST_WHOLE_DIGITS:
            raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        number = int(str(value))
        if number < self.least:
            raise StripeError(
                f"This value must be greater than or equal to {self.least}.",
                code="parameter_invalid_integer",
                param=name,
            )
        if number > self.most:
            raise StripeError(
                f"This value must be less than or equal to {self.most}.", code="parameter_invalid_integer", param=name
            )
        return number


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object, name: str) -> bool:
        """See Parameter."""
        if value not in {"true", "false"}:
            raise StripeError(f"Invalid boolean: {value}", param=name)
        return value == "true"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Keys and texts of the caller's own."""

    def read(self, value: object, name: str) -> dict[str, str]:
        """See Parameter."""
        if not isinstance(value, dict) or len(value) > MOST_KEYS:
            raise StripeError(f"Invalid object: metadata has at most {MOST_KEYS} keys", param=name)
        for key, text in value.items():
            if not isinstance(text, str) or len(key) > LONGEST_KEY or len(text) > LONGEST_VALUE:
                raise StripeError(
                    f"Metadata keys have at most {LONGEST_KEY} characters and values at most {LONGEST_VALUE}",
                    param=f"{name}[{key}]",
                )
        return dict(value)


@dataclass(frozen=True, slots=True)
class Several:
    """A list: in form encoding, an object whose keys count from 0."""

    of: Parameter
    most: int = 100

    def read(self, value: object, name: str) -> list[object]:
        """See Parameter."""
        places = [str(place) for place in range(len(value))] if isinstance(value, dict) else []
        if not isinstance(value, dict) or len(value) > self.most or value.keys() != set(places):
            raise StripeError("Invalid array", param=name)
        return [self.of.read(value[place], f"{name}[{place}]") for place in places]


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with known keys."""

    fields: Mapping[str, Parameter]
    required: tuple[str, ...] = ()

    def read(self, value: object, name: str) -> dict[str, Any]:
        """See Parameter; the outermost object is called the empty text."""
        if not isinstance(value, dict):
            raise StripeError("Invalid object", param=name)
        for key in value:
            if key not in self.fields:
                full = _inside(name, key)
                raise StripeError(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)
        for key in self.required:
            if key not in value:
                full = _inside(name, key)
                raise StripeError(f"Missing required param: {full}.", code="parameter_missing", param=full)
        return {key: self.fields[key].read(each, _inside(name, key)) for key, each in value.items()}


@dataclass(frozen=True, slots=True)
class Span:
    """An instant in Unix seconds, or an object of `gt`, `gte`, `lt`, `lte`; read as such an object."""

    def read(self, value: object, name: str) -> dict[str, int]:
        """See Parameter."""
        if isinstance(value, str):
            instant = Whole().read(value, name)
            return {"gte": instant, "lte": instant}
        return Fields(dict.fromkeys(("gt", "gte", "lt", "lte"), Whole())).read(value, name)


@dataclass(frozen=True, slots=True)
class Content:
    """An uploaded file."""

    def read(self, value: object, name: str) -> Upload:
        """See Parameter."""
        if not isinstance(value, Upload):
            raise StripeError("Invalid file: send it as multipart/form-data", param=name)
        return value


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key
