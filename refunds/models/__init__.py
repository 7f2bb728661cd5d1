"""Rows about policies and what they decided."""

from refunds.models.decision import Decision, DecisionState
from refunds.models.policy import PolicyVersion

__all__ = ["Decision", "DecisionState", "PolicyVersion"]
