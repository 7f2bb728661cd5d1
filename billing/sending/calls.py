"""Make the calls that were claimed. No transaction is open here and no lock is held."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final

import structlog

from billing import gateways
from billing.gateways.base import Gateway, GatewayError, OutcomeUnknown, RefundReport, Refused
from billing.sending.claims import Claim, Step

log = structlog.get_logger()

PARALLEL: Final = 8
# What is not begun after this many seconds is left for the next claim, so that no call outlives its lease.
LONGEST: Final = 60.0


class NotThere(GatewayError):
    """The gateway has no refund of this leg and attempt, and the key is too old to be sent again."""

    code = "refund_not_there"


class NotBegun(GatewayError):
    """Time ran out before this call was made."""

    code = "refund_not_begun"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a claim: a report, or the error that says how much is known."""

    claim: Claim
    found: RefundReport | GatewayError


def carry_out(claims: Sequence[Claim]) -> list[Outcome]:
    """Make these calls, those to other machines side by side, and return what came of each."""
    remote = [claim for claim in claims if gateways.get(claim.gateway).describe().is_remote]
    local = [claim for claim in claims if not gateways.get(claim.gateway).describe().is_remote]
    end = monotonic() + LONGEST
    outcomes = [_carry_out(claim, end) for claim in local]
    if len(remote) == 1:
        return [*outcomes, _carry_out(remote[0], end)]
    if remote:
        with ThreadPoolExecutor(max_workers=min(PARALLEL, len(remote)), thread_name_prefix="gateway") as pool:
            outcomes += pool.map(_carry_out, remote, [end] * len(remote))
    return outcomes


def _carry_out(claim: Claim, end: float) -> Outcome:
    if monotonic() > end:
        return Outcome(claim, NotBegun("Left for the next time."))
    try:
        return Outcome(claim, _call(gateways.get(claim.gateway), claim))
    except GatewayError as error:
        return Outcome(claim, error)
    except Exception as error:
        log.exception("gateway_call_broke", leg=claim.leg_id)
        return Outcome(claim, OutcomeUnknown(f"{type(error).__name__}: {error}"))


def _call(gateway: Gateway, claim: Claim) -> RefundReport:
    if claim.step == Step.FETCH:
        return gateway.fetch_refund(claim.reference)
    if claim.step == Step.FIND:
        try:
            found = gateway.find_refund(claim.request)
        except Refused as error:  # of the looking, not of the refund, which may well have been carried out
            raise OutcomeUnknown(error.message) from error
        if found is not None:
            return found
        if claim.key_may_be_forgotten:
            raise NotThere("The gateway has no such refund.")
    return gateway.refund(claim.request)
