"""Reading the parts of a policy document beside its clauses. Problems are collected by the table."""

from typing import Final

from refunds.policy.document import (
    Abuse,
    Chargebacks,
    Contact,
    Contest,
    Destination,
    Fee,
    FraudWarnings,
    OnLoss,
    OnOpen,
    OnWarning,
    OnWin,
    Review,
    Section,
    Withdrawals,
)
from refunds.policy.reading import Table

LONGEST_TITLE: Final = 200

_LONGEST_WINDOW: Final = 365
_LONGEST_SOON: Final = 30 * 24
_MOST_REQUESTS: Final = 1000
_LONGEST_HOURS: Final = 365 * 24
_MOST_BUSINESS_DAYS: Final = 60


def withdrawals(table: Table) -> Withdrawals:
    """Read [withdrawals]; the keys about paying out go with `allowed = true` only."""
    allowed = table.flag("allowed")
    destination = table.choice("destination", Destination, "a destination")
    fitting = Destination.ORIGINAL_METHOD if allowed else Destination.BALANCE
    if table.has("allowed") and table.has("destination") and destination is not fitting:
        table.problem("destination", f"must be {str(fitting)!r} when allowed is {str(allowed).lower()}")
    placeholders = ("panel", "minimum", "verify_above", "business_days") if allowed else ("panel",)
    found = Withdrawals(
        allowed=allowed,
        destination=destination,
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text", placeholders),
        passage=table.text("passage", placeholders=()),
        minimum=table.amount("minimum") if allowed else None,
        verify_above=table.amount("verify_above") if allowed else None,
        business_days=table.window("business_days", most=_MOST_BUSINESS_DAYS) if allowed else None,
        alternative_method=table.flag("alternative_method") if allowed else False,
    )
    if not allowed:
        for key in ("minimum", "verify_above", "business_days", "alternative_method"):
            if table.has(key):
                table.problem(key, "must be left out when allowed is false")
    table.close()
    return found


def review(table: Table) -> Review:
    """Read [review]."""
    found = Review(
        hours=table.window("hours", most=_LONGEST_HOURS),
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text", ("panel", "hours")),
        passage=table.text("passage", placeholders=()),
        confirm_above=table.amount("confirm_above") if table.has("confirm_above") else None,
    )
    table.close()
    return found


def abuse(table: Table) -> Abuse:
    """Read [abuse]. Two is the least of every count: nobody is flagged by the first request he ever makes.

    The text has no placeholders for the figures, because who knows them can stay just below.
    """
    found = Abuse(
        window_days=table.number("window_days", least=1, most=_LONGEST_WINDOW),
        rate_percent=table.number("rate_percent", least=1, most=100),
        rate_least=table.number("rate_least", least=2, most=_MOST_REQUESTS),
        same_link=table.number("same_link", least=2, most=_MOST_REQUESTS),
        soon_hours=table.number("soon_hours", least=1, most=_LONGEST_SOON),
        soon_claims=table.number("soon_claims", least=2, most=_MOST_REQUESTS),
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text"),
        passage=table.text("passage", placeholders=()),
    )
    table.close()
    return found


def chargebacks(table: Table) -> Chargebacks:
    """Read [chargebacks]."""
    found = Chargebacks(
        on_open=table.choice("on_open", OnOpen, "an answer to a chargeback"),
        on_loss=table.choice("on_loss", OnLoss, "an answer to a lost chargeback"),
        on_win=table.choice("on_win", OnWin, "an answer to a won chargeback"),
        fee=table.choice("fee", Fee, "a fee"),
        contest=table.choice("contest", Contest, "a time to contest"),
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text"),
        passage=table.text("passage", placeholders=()),
    )
    table.close()
    return found


def fraud_warnings(table: Table) -> FraudWarnings:
    """Read [fraud_warnings]. The keys about refunding go with `action = "refund"` only, and then customers are told."""
    action = table.choice("action", OnWarning, "an answer to a fraud warning")
    refunds = action is OnWarning.REFUND
    is_told = refunds or any([table.has("title"), table.has("text"), table.has("passage")])
    found = FraudWarnings(
        action=action,
        refund_up_to=table.amount("refund_up_to") if refunds else None,
        hold_account=table.flag("hold_account") if refunds else False,
        title=table.text("title", longest=LONGEST_TITLE) if is_told else "",
        text=table.text("text") if is_told else "",
        passage=table.text("passage", placeholders=()) if is_told else "",
    )
    if table.has("action") and not refunds:
        for key in ("refund_up_to", "hold_account"):
            if table.has(key):
                table.problem(key, f"must be left out when action is {str(action)!r}")
    table.close()
    return found


def contact(table: Table) -> Contact:
    """Read [contact]."""
    found = Contact(
        response_hours=table.number("response_hours", least=1, most=_LONGEST_HOURS),
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text", ("panel", "response_hours", "email")),
        passage=table.text("passage", placeholders=()),
    )
    table.close()
    return found


def free(table: Table) -> Section:
    """Read one of [[sections]]."""
    found = Section(
        id=table.identifier("id"),
        title=table.text("title", longest=LONGEST_TITLE),
        text=table.text("text"),
        passage=table.text("passage", placeholders=()),
        points=table.texts("points"),
        steps=table.texts("steps"),
    )
    table.close()
    return found
