"""`backtest_policy`: a report in words or one JSON document, progress beside it, a sentence for what can't be done."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orders import canceling
from orders.models import Service
from panel.accounts.models import User
from refunds.backtesting import running
from refunds.backtesting.results import Result
from tests.factories import AT, make_customer, make_service, place_order, policies
from tests.factories.desk import order_in_review
from tests.refunds.backtesting.periods import CREDIT_ONLY
from tests.refunds.policy.documents import SHIPPED_FILES

pytestmark = pytest.mark.django_db(transaction=True)

CREDIT_ONLY_FILE = str(next(path for path in SHIPPED_FILES if path.stem == "panel-credit-only"))
DAY = timedelta(days=1)


@pytest.fixture
def ada() -> User:
    return make_customer("ada", funds="1000")


@pytest.fixture
def reach() -> Service:
    return make_service(rate="10")


def cancel(ada: User, reach: Service, *, at: datetime = AT) -> int:
    """Place an order of 10.00 and cancel it, which refunds it under the guarantee."""
    order = place_order(ada, reach, at=at)
    canceling.cancel(customer=ada, order_id=order.pk, at=at)
    return int(order.pk)


def refusal_of(*arguments: str) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("backtest_policy", *arguments)
    assert refusal.value.returncode == 1
    return str(refusal.value)


def test_tells_what_the_policy_would_have_paid(ada: User, reach: Service, capsys: pytest.CaptureFixture[str]) -> None:
    number = cancel(ada, reach)
    order_in_review()

    call_command("backtest_policy", CREDIT_ONLY_FILE)

    printed = capsys.readouterr()
    assert printed.out.startswith(
        "2 ended orders, 1 of them would have come out otherwise.\n"
        "Refunded 10.00 USD; by this policy 0.00 USD (\u221210.00 USD).\n"
        "Left to a person: up to 0.00 USD more.\n"
    )
    lines = printed.out.splitlines()
    change = "10.00 USD -> 0.00 USD (\u221210.00 USD)"
    assert f"  canceled-by-customer -> change-of-mind: 1 orders, {change}" in lines
    assert f"  {reach.name}: 1 orders, {change}" in lines
    assert f"  2026-11: 2 orders, {change}" in lines
    assert f"  clear: 2 orders, {change}" in lines
    assert lines[-1] == f"  order {number}: 10.00 USD -> 0.00 USD (canceled-by-customer -> change-of-mind)"
    assert printed.err == "2 orders, 100%\n"


def test_json_is_one_document_and_nothing_else(
    ada: User, reach: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    numbers = [cancel(ada, reach), cancel(ada, reach)]

    call_command("backtest_policy", CREDIT_ONLY_FILE, "--json")

    printed = capsys.readouterr()
    found = Result.from_dict(json.loads(printed.out))
    assert found.policy_hash == CREDIT_ONLY.hash
    assert (found.total.orders, found.total.paid, found.total.candidate) == (2, 20, 0)
    assert [one.order for one in found.largest] == numbers
    assert json.loads(printed.out)["total"]["paid"] == "20.000000"
    assert printed.err == "1 orders, 50%\n2 orders, 100%\n"


def test_a_day_is_a_day_of_the_panels_zone(
    ada: User, reach: Service, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours before UTC in November
    midnight = datetime(2026, 11, 1, 11, 0, tzinfo=UTC)  # of November 2 there
    cancel(ada, reach, at=midnight - timedelta(microseconds=1))
    cancel(ada, reach, at=midnight)
    cancel(ada, reach, at=midnight + DAY)

    call_command("backtest_policy", CREDIT_ONLY_FILE, "--json", "--since", "2026-11-02", "--until", "2026-11-03")

    found = json.loads(capsys.readouterr().out)
    assert (found["since"], found["total"]["orders"]) == ("2026-11-02T00:00:00+13:00", 1)


@pytest.mark.parametrize("since", ["2026-11-02T12:00", "2026-11-02T12:00:00+00:00", "2026-11-03T01:00:00+13:00"])
def test_a_time_is_utc_unless_it_says_otherwise(
    since: str, ada: User, reach: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel(ada, reach, at=AT - timedelta(microseconds=1))
    cancel(ada, reach, at=AT)

    call_command("backtest_policy", CREDIT_ONLY_FILE, "--json", "--since", since)

    assert json.loads(capsys.readouterr().out)["total"]["orders"] == 1


def test_takes_a_published_version(ada: User, reach: Service, capsys: pytest.CaptureFixture[str]) -> None:
    cancel(ada, reach)

    call_command("backtest_policy", "money-back-guarantee:1")

    assert capsys.readouterr().out.startswith("1 ended orders, 0 of them would have come out otherwise.\n")


def test_a_period_without_orders_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("backtest_policy", CREDIT_ONLY_FILE)

    printed = capsys.readouterr()
    assert printed.out.startswith("0 ended orders, 0 of them would have come out otherwise.\n")
    assert printed.err == ""


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "2026-02-30", "2026-11-02T25:00", "1"])
def test_refuses_what_is_no_day(option: str, typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal_of(CREDIT_ONLY_FILE, option, typed) == f"{option} {typed} is no day; write 2026-01-01"
    assert capsys.readouterr().out == ""


def test_refuses_a_period_that_ends_before_it_begins() -> None:
    assert refusal_of(CREDIT_ONLY_FILE, "--since", "2026-11-02", "--until", "2026-11-01") == (
        "The period ends before it begins."
    )


def test_refuses_a_document_that_is_not_there_or_can_not_be_read(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(policies.shipped("panel-credit-only", ('on_loss = "ban"', 'on_loss = "burn"')), encoding="utf-8")

    assert refusal_of(str(tmp_path / "nowhere.toml")).endswith("nowhere.toml: can't be read: No such file or directory")
    assert refusal_of(str(tmp_path)).endswith("can't be read: Is a directory")
    assert refusal_of("money-back-guarantee:9") == (
        "money-back-guarantee:9: there is no published version 9 of money-back-guarantee."
    )
    assert refusal_of(str(wrong), "--json") == "wrong.toml has 1 problem."
