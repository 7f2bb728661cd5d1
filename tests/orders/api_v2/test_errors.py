"""The table of words."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import billing
import orders
import panel.accounts
from orders.api_v2 import errors
from orders.canceling import CancelRefused
from panel.kernel.errors import PanelError, Refused

# Raised by use cases that no action calls.
ELSEWHERE = {
    "BadRemains",  # staff and providers move orders
    "IllegalMove",
    "BadTransfer",  # bugs of ours, not of callers
    "KeyReused",
}


def kinds(kind: type[PanelError]) -> Iterator[type[PanelError]]:
    for child in kind.__subclasses__():
        yield child
        yield from kinds(child)


def test_has_words_for_every_error_of_placing_canceling_refills_and_keys() -> None:
    for room in (orders, billing, panel.accounts):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            if not module.ispkg and not module.name.endswith("tasks"):
                import_module(module.name)
    raised_by_actions = {
        kind
        for kind in kinds(PanelError)
        if kind.__module__
        in {
            "orders.placing",
            "orders.canceling",
            "orders.lines",
            "orders.refills",
            "orders.api_v2.parameters",
            "billing.ledger",
            "panel.accounts.keys",
            "panel.accounts.suspension",
        }
        and kind.__name__ not in ELSEWHERE
    }

    without = {
        kind.__name__
        for kind in raised_by_actions
        if next(ancestor for ancestor in kind.__mro__ if ancestor in errors.WORDS) is PanelError
    }

    assert len(raised_by_actions) > 10
    assert without == set()


def test_logs_an_error_that_it_has_no_words_for(caplog: pytest.LogCaptureFixture) -> None:
    class NoPolicy(Refused):
        code = "no_policy"

    assert errors.words(NoPolicy("Run a command.")) == "Temporarily unavailable"

    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert getattr(record, "code", "") == "no_policy"


def test_keeps_braces_in_a_message_as_they_are() -> None:
    assert errors.words(CancelRefused("Not {error.field} now.")) == "Not {error.field} now."
