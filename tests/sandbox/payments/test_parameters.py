"""The tables of accepted parameters hold no name and no type that Stripe's SDK does not have."""

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import stripe
from stripe import params
from stripe.params import checkout, radar
from typing_extensions import is_typeddict

from panel.sandbox.payments import parameters
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.schema import Content, Fields, Flag, Metadata, Parameter, Several, Span, Text, Whole
from tests.sandbox.payments.conftest import Opening

TABLES: list[tuple[Fields, Any]] = [
    (parameters.BALANCE, params.BalanceRetrieveParams),
    (parameters.BALANCE_TRANSACTION_LIST, params.BalanceTransactionListParams),
    (parameters.CHARGE_LIST, params.ChargeListParams),
    (parameters.DISPUTE_CLOSE, params.DisputeCloseParams),
    (parameters.DISPUTE_LIST, params.DisputeListParams),
    (parameters.DISPUTE_UPDATE, params.DisputeUpdateParams),
    (parameters.EARLY_FRAUD_WARNING_LIST, radar.EarlyFraudWarningListParams),
    (parameters.EVENT_LIST, params.EventListParams),
    (parameters.FILE_CREATE, params.FileCreateParams),
    (parameters.FILE_LIST, params.FileListParams),
    (parameters.PAYMENT_INTENT_LIST, params.PaymentIntentListParams),
    (parameters.REFUND_CREATE, params.RefundCreateParams),
    (parameters.REFUND_LIST, params.RefundListParams),
    (parameters.RETRIEVE, params.ChargeRetrieveParams),
    (parameters.RETRIEVE, params.DisputeRetrieveParams),
    (parameters.RETRIEVE, params.EventRetrieveParams),
    (parameters.RETRIEVE, params.PaymentIntentRetrieveParams),
    (parameters.RETRIEVE, params.RefundRetrieveParams),
    (parameters.RETRIEVE, checkout.SessionRetrieveParams),
    (parameters.SESSION_CREATE, checkout.SessionCreateParams),
    (parameters.SESSION_EXPIRE, checkout.SessionExpireParams),
    (parameters.SESSION_LIST, checkout.SessionListParams),
]
_NAMES = {"StripeContext": object, "Mapping": Mapping}  # the SDK imports them for type checkers only


def choices_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, the union itself left out."""
    if get_origin(hint) in {Union, types.UnionType}:
        return tuple(inner for each in get_args(hint) for inner in choices_of(each))
    return (hint,)


def mismatches(parameter: Parameter, hint: Any, name: str) -> list[str]:  # noqa: PLR0911 - one for each kind
    """What the sandbox would take under this name and the SDK would not send."""
    members = choices_of(hint)
    match parameter:
        case Fields():
            typed = [member for member in members if is_typeddict(member)]
            return fields_mismatches(parameter, typed[0], name) if typed else [f"{name} is no object"]
        case Several():
            lists = [member for member in members if get_origin(member) is list]
            return mismatches(parameter.of, get_args(lists[0])[0], f"{name}[]") if lists else [f"{name} is no list"]
        case Text():
            literals = {word for member in members if get_origin(member) is Literal for word in get_args(member)}
            if literals:
                return [f"{name} is never {word}" for word in parameter.choices if word not in literals]
            return [] if str in members else [f"{name} is no text"]
        case Whole():
            return [] if int in members else [f"{name} is no number"]
        case Flag():
            return [] if bool in members else [f"{name} is no boolean"]
        case Metadata():
            texts = any(get_origin(member) is dict and get_args(member) == (str, str) for member in members)
            return [] if texts else [f"{name} is no metadata"]
        case Span():
            typed = [member for member in members if is_typeddict(member)]
            keys = set(typing.get_type_hints(typed[0])) if typed else set()
            return [] if int in members and keys == {"gt", "gte", "lt", "lte"} else [f"{name} is no span"]
        case Content():
            return [] if hint is Any else [f"{name} is no file"]
        case _:
            return [f"{name} is of an unknown kind"]


def fields_mismatches(fields: Fields, typed: Any, name: str = "") -> list[str]:
    hints = typing.get_type_hints(typed, localns=_NAMES)
    found = [f"{name}[{key}] is not optional" for key in typed.__required_keys__ - set(fields.required)]
    for key, parameter in fields.fields.items():
        place = f"{name}[{key}]" if name else key
        found += mismatches(parameter, hints[key], place) if key in hints else [f"{place} is unknown"]
    return found


@pytest.mark.parametrize(("table", "typed"), TABLES, ids=[typed.__name__ for _, typed in TABLES])
def test_every_accepted_parameter_is_one_of_the_sdk(table: Fields, typed: Any) -> None:
    assert fields_mismatches(table, typed) == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"payment_method_types": Several(Text())}, "payment_method_types is unknown"),
        ({"mode": Whole()}, "mode is no number"),
        ({"mode": Text(choices=("gift",))}, "mode is never gift"),
        ({"expires_at": Text()}, "expires_at is no text"),
        ({"line_items": Text()}, "line_items is no text"),
        ({"line_items": Several(Fields({"amount": Whole()}))}, "line_items[][amount] is unknown"),
        ({"payment_intent_data": Fields({"metadata": Text()})}, "payment_intent_data[metadata] is no text"),
    ],
)
def test_a_wrong_parameter_is_noticed(fields: dict[str, Parameter], complaint: str) -> None:
    assert fields_mismatches(Fields(fields), checkout.SessionCreateParams) == [complaint]


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"payment_intent_data": {"metadat": {}, "x": "y"}}, "payment_intent_data[x]", "parameter_unknown"),
        ({"mode": "gift"}, "mode", None),
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": ""}, "success_url", "parameter_invalid_empty"),
        ({"expires_at": "tomorrow"}, "expires_at", "parameter_invalid_integer"),
        ({"expires_at": 60}, "expires_at", None),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"line_items": "one"}, "line_items", None),
        ({"line_items": {"1": "gap"}}, "line_items", None),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price_data]", "parameter_missing"),
        ({"metadata": {"key": "x" * 501}}, "metadata[key]", None),
        ({"customer_email": {"a": "b"}}, "customer_email", None),
    ],
)
def test_refuses_a_session_as_stripe_does(
    api: stripe.StripeClient, given: dict[str, Any], param: str, code: str | None
) -> None:
    item = {"price_data": {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "x"}}, "quantity": 1}
    good: dict[str, Any] = {"mode": "payment", "line_items": [item], "success_url": "https://panel.example/"}

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.checkout.sessions.create(typing.cast("Any", {**good, **given}))

    assert (refusal.value.http_status, refusal.value.param, refusal.value.code) == (400, param, code)
    assert api.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(("amount", "code"), [(49, "amount_too_small"), (100_000_000, "amount_too_large")])
def test_refuses_amounts_outside_of_the_limits(open_session: Opening, amount: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(amount)

    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["", "1.5", "1e3", "１", "9" * 16, "-"])  # noqa: RUF001 - a digit of another script
def test_a_number_is_plain_digits(text: str) -> None:
    with pytest.raises(StripeError) as refusal:
        Whole().read(text, "amount")

    assert (refusal.value.code, refusal.value.param) == ("parameter_invalid_integer", "amount")
