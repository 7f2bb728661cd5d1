"""What a customer sees before he confirms a withdrawal: what goes where, what can't and why, and when."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import PanelError
from panel.web import amounts, balance_queries, dates
from panel.web.dates import Day, Moment
from refunds import balance_refunds
from refunds.balance_refunds import Offer, Quote


@dataclass(frozen=True, slots=True)
class Part:
    """What goes back to one deposit, by what it was paid with and when."""

    amount: Decimal
    method: str
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands beside the amount field.

    Attributes:
        quote: None while there is no good amount.
        errors: a sentence by field name; `form` for what no field would mend.
        token: all that the customer confirms, in one text; the form sends it back, so that a withdrawal is opened as
            it was shown or not at all (`changed`).
        cut_off: what is finer than the currency and stays on the balance.
        after: the balance that can be withdrawn afterwards.
    """

    quote: Quote | None = None
    errors: dict[str, str] | None = None
    token: str = ""
    parts: tuple[Part, ...] = ()
    cut_off: Decimal = money.ZERO
    after: Decimal = money.ZERO
    earliest: Day | None = None
    send_by: Day | None = None
    bank_by: Day | None = None
    cancel_until: Moment | None = None


def shown(customer: User, typed: str, offer: Offer, *, at: datetime) -> Shown:
    """Quote what was typed. An empty field is no error yet. Raises publishing.NoPolicyInForce."""
    if not typed.strip() or offer.refusal:
        return Shown()
    try:
        amount = amounts.read(typed)
        quote = balance_refunds.quote(customer=customer, amount=amount, at=at)
    except PanelError as error:
        return Shown(errors={error.field if error.field == "amount" else "form": error.message})
    paid = balance_queries.paid_on([part.deposit_id for part in quote.plan.parts])
    return Shown(
        quote=quote,
        token=token(quote, offer.version.pk),
        parts=tuple(Part(part.amount, part.method, paid[part.deposit_id].paid_at) for part in quote.plan.parts),
        cut_off=amount - quote.amount,
        after=offer.withdrawable - quote.amount,
        earliest=dates.day(quote.promise.earliest, at=at),
        send_by=dates.day(quote.promise.send_by, at=at),
        bank_by=dates.day(quote.promise.bank_by, at=at),
        cancel_until=dates.moment(quote.send_at, at=at),
    )


def token(quote: Quote, policy_version: int) -> str:
    """Return what is confirmed with this quote: the plan, the last day of sending, who decides, and the policy."""
    return f"{quote.promise.send_by}/{quote.verdict.outcome}/{policy_version}/{quote.plan.digest}"


def changed(quote: Quote, policy_version: int, confirmed: str) -> str:
    """Return what to tell a customer who confirmed something else than `quote`; empty when it is the same."""
    if confirmed == token(quote, policy_version):
        return ""
    if not confirmed:
        return "Please check what goes where and when, then confirm."
    return "What goes where or when has changed. Nothing was withdrawn; please look at it again, then confirm."
