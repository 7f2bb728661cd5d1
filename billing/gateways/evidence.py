"""Evidence in a dispute, as gateways take it: texts and documents under names that are agreed on, within limits.

The names and limits are those of the card networks' processors (Stripe's page on dispute evidence); a gateway that has
others translates them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LONGEST_TEXT: Final = 20_000
"""Characters of one text."""

LONGEST_TEXTS: Final = 150_000
"""Characters of all texts of one dispute together."""

LARGEST_DOCUMENTS: Final = 4_500_000
"""Bytes of all documents of one dispute together."""


class Text(StrEnum):
    """What a text of the evidence is about."""

    PRODUCT_DESCRIPTION = "product_description"
    CUSTOMER_NAME = "customer_name"
    CUSTOMER_EMAIL = "customer_email_address"
    PURCHASE_ADDRESS = "customer_purchase_ip"
    ACCESS_LOG = "access_activity_log"
    SERVICE_DATE = "service_date"
    POLICY_DISCLOSURE = "refund_policy_disclosure"
    REFUSAL_EXPLANATION = "refund_refusal_explanation"
    OTHER = "uncategorized_text"


class Document(StrEnum):
    """What a document of the evidence is."""

    SERVICE = "service_documentation"
    COMMUNICATION = "customer_communication"
    POLICY = "refund_policy"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Upload:
    """A PDF to hand over. The same `key` again, within the gateway's memory, makes no second copy."""

    key: str
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence for one dispute. `documents` holds the references that uploads got.

    A text that is left out stays as it is at the gateway; an empty one is taken away there, and so is an empty
    reference.
    """

    key: str
    dispute: str
    texts: Mapping[Text, str]
    documents: Mapping[Document, str]
