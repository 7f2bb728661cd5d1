"""Rows about money."""

from billing.models.account import Account, CustomerAccount, House
from billing.models.arrangement import Arrangement, PayoutKind
from billing.models.by_hand import Payout, PayoutState, Receipt
from billing.models.deposit import Deposit, DepositState, GatewaySlug
from billing.models.discrepancy import Discrepancy, Problem
from billing.models.dispute import Dispute, DisputeEvent, Standing
from billing.models.fraud_warning import FraudWarning, FraudWarningEvent, WarningAction, WarningState
from billing.models.gateway_event import EventState, GatewayEvent
from billing.models.transfer import Transfer, TransferKind
from billing.models.withdrawal import (
    LegState,
    Origin,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)

__all__ = [
    "Account",
    "Arrangement",
    "CustomerAccount",
    "Deposit",
    "DepositState",
    "Discrepancy",
    "Dispute",
    "DisputeEvent",
    "EventState",
    "FraudWarning",
    "FraudWarningEvent",
    "GatewayEvent",
    "GatewaySlug",
    "House",
    "LegState",
    "Origin",
    "Payout",
    "PayoutKind",
    "PayoutState",
    "Problem",
    "Receipt",
    "Standing",
    "Transfer",
    "TransferKind",
    "WarningAction",
    "WarningState",
    "Withdrawal",
    "WithdrawalEvent",
    "WithdrawalLeg",
    "WithdrawalState",
]
