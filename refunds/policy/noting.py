"""The note beside the Order button: what `quoting.quote` found, in short lines."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Final

from refunds.policy import describing, wording
from refunds.policy.clauses import Approval, Refund
from refunds.policy.quoting import Answer, Course, ServiceQuote

_NOTHING: Final = "no refund"
_IMPOSSIBLE: Final = "this can't be done."
_TOO_LITTLE: Final = "If less was delivered than reported"
_GONE: Final = "If what was delivered goes away"


def lines(quote: ServiceQuote, currency: str) -> tuple[str, ...]:
    """Return what is refunded for a service, and when, a line each."""
    at_the_end = partial(_course, say=_given, since="ordering", currency=currency)
    completed = f"Delivered in full{_course(quote.completed, _reported, 'ordering', currency)}"
    claims = _claims(quote, currency)
    return (
        "An order can't be canceled at your own wish once it is placed."
        if quote.pending_cancel is None
        else f"Cancel while it is pending{at_the_end(quote.pending_cancel)}",
        *_not_delivered(at_the_end(quote.not_started), at_the_end(quote.provider_canceled)),
        _no_refund_after_start(quote) or f"If it is delivered only in part{at_the_end(quote.partial)}",
        completed if claims else f"{completed.removesuffix('.')}, also if it goes away later.",
        *claims,
    )


def cases(quote: ServiceQuote, currency: str) -> dict[str, str]:
    """Return what is refunded in each case of a quote, as a sentence; claims are the last three."""
    given = partial(_course, say=_given, since="ordering", currency=currency)
    claimed = partial(_course, say=_claimed, since="the end", currency=currency)
    found = {
        "pending_cancel": quote.pending_cancel and given(quote.pending_cancel),
        "not_started": given(quote.not_started),
        "provider_canceled": given(quote.provider_canceled),
        "partial": given(quote.partial),
        "stopped_by_us": given(quote.stopped_by_us),
        "completed": _course(quote.completed, _reported, "ordering", currency),
        "short": claimed(quote.short),
        "dropped": claimed(quote.dropped),
        "refill_failed": quote.refill_failed and claimed(quote.refill_failed),
    }
    return {case: _sentence(said or _IMPOSSIBLE) for case, said in found.items()}


def _sentence(rest: str) -> str:
    words = rest.removeprefix(":").strip()
    return words[0].upper() + words[1:]


def _not_delivered(not_started: str, provider_canceled: str) -> list[str]:
    """Return what comes back when nothing is delivered: the provider's cancel has its own line where it differs."""
    found = [f"If it can't be started{not_started}"]
    return found if provider_canceled == not_started else [*found, f"If the provider cancels it{provider_canceled}"]


def _no_refund_after_start(quote: ServiceQuote) -> str:
    """Return the line that has to be read before ordering such a service; empty for others."""
    if not quote.ends_with_start:
        return ""
    by_us = any(answer.refund is not Refund.NONE for answer in quote.stopped_by_us.answers)
    return f"Once delivery has begun, this service can't be refunded{', unless we stop it ourselves' if by_us else ''}."


def _claims(quote: ServiceQuote, currency: str) -> list[str]:
    """Return what a customer can claim after the end, a line each; none when nothing comes of any claim."""
    claim = partial(_course, say=_claimed, since="the end", currency=currency)
    short, dropped, nothing = claim(quote.short), claim(quote.dropped), f": {_NOTHING}."
    failed = dropped if quote.refill_failed is None else claim(quote.refill_failed)
    if {short, dropped, failed} == {nothing}:
        return []
    if failed != dropped:
        gone = f"{_GONE}: ask for a refill first." if dropped == nothing else f"{_GONE}{dropped}"
        return [f"{_TOO_LITTLE}{short}", gone, f"If the refill fails{failed}"]
    if short == dropped:
        return [f"{_TOO_LITTLE}, or it goes away{'' if short.startswith(' within') else ' later'}{short}"]
    return [f"{_TOO_LITTLE}{short}", f"{_GONE}{dropped}"]


def _course(course: Course, say: Callable[[Answer, str], str], since: str, currency: str) -> str:
    """Return the rest of a line: `: no refund.`, or ` within 72 hours of the end: full refund; later: no refund.`."""
    said = [(step.within_hours, say(step.answer, currency)) for step in course.steps]
    spans = [list(alike)[-1] for _, alike in groupby(said, key=lambda span: span[1])]
    parts: list[str] = []
    for hours, words in spans:
        if hours is not None:
            within = f"within {describing.hours(hours)}"
            parts.append(f"{within}: {words}" if parts else f" {within} of {since}: {words}")
        else:
            parts.append(f"later: {words}" if parts else f": {words}")
    if course.age_of_order_matters:
        parts.append("it may be more, by how long ago you ordered")
    return f"{'; '.join(parts)}."


def _given(answer: Answer, currency: str) -> str:
    """Say what comes back for an order that ended with something undelivered."""
    return ", ".join(_parts(answer, currency))


def _reported(answer: Answer, currency: str) -> str:
    """Say what comes back for an order that is reported as delivered in full, of which nothing is undelivered."""
    return _given(answer, currency) if answer.refund is Refund.FULL else _NOTHING


def _claimed(answer: Answer, currency: str) -> str:
    """Say what comes of a customer's claim about such an order."""
    if answer.refund is not Refund.FULL and answer.approval is Approval.REVIEW:
        return "a person looks at it"
    return _reported(answer, currency)


def _parts(answer: Answer, currency: str) -> Iterator[str]:
    if answer.refund is Refund.NONE:
        yield _NOTHING
        return
    if answer.refund is Refund.UNDELIVERED:
        yield "what was not delivered is refunded to your balance"
    else:
        yield "full refund to your balance" if answer.cap is answer.fee is None else "refund to your balance"
    if answer.cap is not None:
        yield f"at most {wording.portion(answer.cap, 'charge', currency)}"
    if answer.fee is not None:
        yield f"less a fee of {answer.fee.words(currency)}"
    if answer.approval is Approval.REVIEW:
        yield "after review"
