"""What evidence in a payment dispute is made of: the names of its texts and documents, and how large they may be.

Names and limits are those of Stripe's page on dispute evidence; a gateway that has others translates them.
"""

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
