"""Rows about policies, what they decided, and what is asked of the refund desk."""

from refunds.models.announcement import PolicyAnnouncement
from refunds.models.backtest import BacktestState, PolicyBacktest
from refunds.models.decision import Decision, DecisionState
from refunds.models.draft import DraftState, PolicyDraft
from refunds.models.policy import PolicyState, PolicyVersion
from refunds.models.request import RefundRequest, RequestOrigin, RequestState
from refunds.models.request_event import RefundFile, RefundRequestEvent, RequestEventKind

__all__ = [
    "BacktestState",
    "Decision",
    "DecisionState",
    "DraftState",
    "PolicyAnnouncement",
    "PolicyBacktest",
    "PolicyDraft",
    "PolicyState",
    "PolicyVersion",
    "RefundFile",
    "RefundRequest",
    "RefundRequestEvent",
    "RequestEventKind",
    "RequestOrigin",
    "RequestState",
]
