"""Rows about policies, what they decided, what is asked of the refund desk, and evidence in disputes."""

from refunds.models.announcement import PolicyAnnouncement
from refunds.models.backtest import BacktestState, PolicyBacktest
from refunds.models.decision import Decision, DecisionState
from refunds.models.draft import DraftState, PolicyDraft
from refunds.models.evidence import DeadlineWarning, DisputeEvidence, EvidenceFile, EvidenceState
from refunds.models.policy import PolicyState, PolicyVersion
from refunds.models.request import RefundRequest, RequestOrigin, RequestState
from refunds.models.request_event import RefundFile, RefundRequestEvent, RequestEventKind

__all__ = [
    "BacktestState",
    "DeadlineWarning",
    "Decision",
    "DecisionState",
    "DisputeEvidence",
    "DraftState",
    "EvidenceFile",
    "EvidenceState",
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
