"""The commands `reconcile` and `send_due_withdrawals`, as an operator or a script runs them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import LegState
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, only_leg, open_deposit, pay_in, receive_by_hand, withdraw

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[int, str, str]:
    """Run `reconcile` and return its exit status, what it printed, and what it said on the way."""
    out, err = StringIO(), StringIO()
    try:
        call_command("reconcile", *words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


def test_says_in_words_that_everything_agrees_and_what_it_took_in(payments: PaymentsSandbox) -> None:
    deposit = open_deposit(make_customer(), "50", at=timezone.now())
    payments.pay(deposit.reference or "")

    status, out, err = run()

    deposit.refresh_from_db()
    assert status == 0
    assert f"TAKEN IN {deposit.payment_reference}" in out
    assert "payments  gateway 1 of 50.00 USD, ours 1 of 50.00 USD" in out
    assert "clearing  50.00 USD by our ledger" in out
    assert out.count("Everything agrees.") == 2
    assert "stripe: compared until" in err
    assert "manual: compared until" in err


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["in words", "as JSON"])
def test_names_each_difference_and_fails(payments: PaymentsSandbox, words: list[str]) -> None:
    payment = payments.pay_unknown(1_234)

    status, out, err = run(*words)

    assert status == 1
    assert payment in out
    assert "1 difference between" in err


def test_prints_one_json_document_and_nothing_else(payments: PaymentsSandbox) -> None:
    pay_in(make_customer(), payments, "50", at=timezone.now())
    payment = payments.pay_unknown(1_234)

    _status, out, _err = run("--json", "--days", "2")

    document = json.loads(out)
    stripe, manual = document["gateways"]
    assert (document["clean"], document["currency"]) == (False, "USD")
    assert (stripe["gateway"], manual["gateway"]) == ("stripe", "manual")
    assert stripe["payments"] == {
        "gateway": {"count": 2, "total": "62.34"},
        "ours": {"count": 1, "total": "50.00"},
    }
    assert stripe["refunds"]["gateway"] == {"count": 0, "total": "0.00"}
    assert (stripe["clearing"], stripe["unreached"], stripe["repaired"], manual["found"]) == ("50.00", "", [], [])
    assert stripe["found"] == [
        {
            "problem": "unknown_payment",
            "reference": payment,
            "description": "A payment of 12.34 USD that belongs to no deposit of this panel.",
            "amount": "12.34",
        }
    ]


def test_a_gateway_that_could_not_be_asked_is_neither_clean_nor_different(payments: PaymentsSandbox) -> None:
    payments.fault("http_429", path="/v1/balance_transactions")

    status, out, err = run()
    json_status, document, _err = run("--json")

    assert (status, json_status) == (2, 2)
    assert "not compared, the list stays as it is" in out
    assert "not compared: stripe" in err
    assert json.loads(document)["clean"] is False
    assert json.loads(document)["gateways"][0]["unreached"]


@pytest.mark.parametrize("days", ["0", "-1", "3661"])
def test_refuses_days_that_make_no_sense(days: str) -> None:
    with pytest.raises(CommandError, match="--days is from 1 to 3660"):
        call_command("reconcile", "--days", days)


def test_looks_back_as_far_as_it_is_told(payments: PaymentsSandbox) -> None:
    payments.pay_unknown(1_234)

    with time_machine.travel(timezone.now() + timedelta(days=3)):
        assert run("--days", "2")[0] == 0
        assert run("--days", "4")[0] == 1


def test_sends_what_is_due_and_says_how_many_calls_that_took() -> None:
    ada, long_ago = make_customer(), timezone.now() - timedelta(days=30)
    receive_by_hand(ada, "50", at=long_ago)
    due = withdraw(ada, "20", at=long_ago)
    not_due = withdraw(ada, "10", at=timezone.now())
    first, second = StringIO(), StringIO()

    call_command("send_due_withdrawals", stdout=first, stderr=StringIO())
    call_command("send_due_withdrawals", stdout=second)

    assert first.getvalue() == "1 call made to the gateways; nothing more is due.\n"
    assert second.getvalue() == "0 calls made to the gateways; nothing more is due.\n"
    assert (only_leg(due).state, only_leg(not_due).state) == (LegState.SENDING, LegState.PLANNED)
