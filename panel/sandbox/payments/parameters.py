"""The parameters that each endpoint takes: those of Stripe's that are honored here. Any other is refused as unknown.

A test holds these tables against the SDK's own parameter types, so that nothing is taken that Stripe would refuse.
"""

from typing import Final

from panel.sandbox.payments.schema import Content, Fields, Flag, Metadata, Parameter, Several, Span, Text, Whole

_EXPAND: Final[dict[str, Parameter]] = {"expand": Several(Text(200), 20)}
_PAGE: Final[dict[str, Parameter]] = {
    **_EXPAND,
    "limit": Whole(1, 100),
    "starting_after": Text(200),
    "ending_before": Text(200),
    "created": Span(),
}
_ID: Final = Text(200)

RETRIEVE: Final = Fields(_EXPAND)
BALANCE: Final = Fields(_EXPAND)

SESSION_CREATE: Final = Fields(
    {
        **_EXPAND,
        "mode": Text(choices=("payment", "setup", "subscription")),
        "line_items": Several(
            Fields(
                {
                    "price_data": Fields(
                        {
                            "currency": Text(3),
                            "unit_amount": Whole(),
                            "product_data": Fields({"name": Text(250), "description": Text()}, ("name",)),
                        },
                        ("currency", "unit_amount", "product_data"),
                    ),
                    "quantity": Whole(1, 999_999),
                },
                ("price_data", "quantity"),
            )
        ),
        "customer_email": Text(800),
        "client_reference_id": Text(200),
        "metadata": Metadata(),
        "payment_intent_data": Fields({"metadata": Metadata(), "description": Text(1000)}),
        "success_url": Text(),
        "cancel_url": Text(),
        "expires_at": Whole(),
        "adaptive_pricing": Fields({"enabled": Flag()}),  # there is one currency here, so nothing follows from it
    },
    ("mode", "line_items", "success_url"),
)
SESSION_EXPIRE: Final = Fields(_EXPAND)
SESSION_LIST: Final = Fields({**_PAGE, "payment_intent": _ID, "status": Text(choices=("complete", "expired", "open"))})

PAYMENT_INTENT_LIST: Final = Fields(_PAGE)
CHARGE_LIST: Final = Fields({**_PAGE, "payment_intent": _ID})

REFUND_CREATE: Final = Fields(
    {
        **_EXPAND,
        "payment_intent": _ID,
        "charge": _ID,
        "amount": Whole(1),
        "metadata": Metadata(),
        "reason": Text(choices=("duplicate", "fraudulent", "requested_by_customer")),
    }
)
REFUND_LIST: Final = Fields({**_PAGE, "payment_intent": _ID, "charge": _ID})

DISPUTE_LIST: Final = Fields({**_PAGE, "payment_intent": _ID, "charge": _ID})
DISPUTE_CLOSE: Final = Fields(_EXPAND)

EVIDENCE_TEXTS: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES: Final = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
DISPUTE_UPDATE: Final = Fields(
    {
        **_EXPAND,
        "evidence": Fields(
            {
                **dict.fromkeys(EVIDENCE_TEXTS, Text(20_000, may_be_empty=True)),
                **dict.fromkeys(EVIDENCE_FILES, Text(200, may_be_empty=True)),
            }
        ),
        "submit": Flag(),
    }
)

FILE_CREATE: Final = Fields({**_EXPAND, "file": Content(), "purpose": Text(100)}, ("file", "purpose"))
FILE_LIST: Final = Fields({**_PAGE, "purpose": Text(100)})

EVENT_LIST: Final = Fields({**_PAGE, "type": Text(200), "types": Several(Text(200), 20), "delivery_success": Flag()})
BALANCE_TRANSACTION_LIST: Final = Fields({**_PAGE, "currency": Text(3), "source": _ID, "type": Text(100)})
EARLY_FRAUD_WARNING_LIST: Final = Fields({**_PAGE, "payment_intent": _ID, "charge": _ID})
