"""Rows about policies, what they decided, and what is asked of the refund desk."""

from refunds.models.decision import Decision, DecisionState
from refunds.models.policy import PolicyVersion
from refunds.models.request import RefundRequest, RequestOrigin, RequestState
from refunds.models.request_event import RefundFile, RefundRequestEvent, RequestEventKind

__all__ = [
    "Decision",
    "DecisionState",
    "PolicyVersion",
    "RefundFile",
    "RefundRequest",
    "RefundRequestEvent",
    "RequestEventKind",
    "RequestOrigin",
    "RequestState",
]
