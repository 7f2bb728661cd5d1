"""What a policy says about early fraud warnings, which it may leave out."""

from decimal import Decimal

import pytest

from refunds.policy import differences, figures, loader, page
from refunds.policy.document import FraudWarnings, OnWarning, Policy
from refunds.policy.loader import PolicyInvalid
from refunds.policy.space import space
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK, minimal_with

REFUND = """\
action = "refund"
refund_up_to = "80.00"
hold_account = true
title = "Warnings"
text = "When a bank warns {panel} of fraud, the payment goes back and the account rests."
passage = "our own"
"""


def saying(part: str) -> str:
    return minimal_with("[contact]\n", f"[fraud_warnings]\n{part}\n[contact]\n")


def problems_of(part: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(saying(part), "shop.toml")
    return refusal.value.problems


def titles(policy: Policy) -> list[str]:
    built = page.build(policy, panel="Corner", currency="USD", email="help@corner.example")
    return [section.title for section in built.sections]


@pytest.mark.parametrize("policy", [loader.loads(MINIMAL, "shop.toml"), MONEY_BACK, CREDIT_ONLY])
def test_staff_are_told_where_a_document_says_nothing_else(policy: Policy) -> None:
    assert policy.on_warning == FraudWarnings(OnWarning.TELL_STAFF)


def test_reads_what_is_refunded() -> None:
    policy = loader.loads(saying(REFUND), "shop.toml")

    assert policy.on_warning == FraudWarnings(
        action=OnWarning.REFUND,
        refund_up_to=Decimal(80),
        hold_account=True,
        title="Warnings",
        text="When a bank warns {panel} of fraud, the payment goes back and the account rests.",
        passage="our own",
    )


def test_the_page_says_it_after_chargebacks_and_only_where_there_is_a_text() -> None:
    assert titles(loader.loads(saying(REFUND), "shop.toml"))[-3:] == ["Chargebacks", "Warnings", "Contact"]
    assert titles(loader.loads(saying('action = "observe"'), "shop.toml"))[-2:] == ["Chargebacks", "Contact"]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ('action = "burn"', "action: 'burn' is not an answer to a fraud warning"),
        (REFUND.replace('refund_up_to = "80.00"\n', ""), "refund_up_to: is missing"),
        (REFUND.replace("hold_account = true\n", ""), "hold_account: is missing"),
        (REFUND.split("title", maxsplit=1)[0], "title: is missing"),
        ('action = "observe"\nhold_account = true', "hold_account: must be left out when action is 'observe'"),
        ('action = "tell_staff"\nrefund_up_to = "5"', "refund_up_to: must be left out when action is 'tell_staff'"),
        ('action = "observe"\ntitle = "Warnings"', "text: is missing"),
        ('action = "observe"\nlimit = "5"', "limit: unknown key"),
    ],
)
def test_refuses_what_makes_no_sense(part: str, problem: str) -> None:
    assert problems_of(part)[0].startswith(f"shop.toml: fraud_warnings.{problem}")


def test_a_change_shows_among_the_figures() -> None:
    before, after = loader.loads(MINIMAL, "shop.toml"), loader.loads(saying(REFUND), "shop.toml")

    assert [(each.key, each.before, each.after) for each in figures.changed(before, after)] == [
        ("fraud_warnings.action", "tell_staff", "refund"),
        ("fraud_warnings.refund_up_to", "", "80.00"),
        ("fraud_warnings.hold_account", "", "yes"),
    ]
    texts = differences.compare(before, after).texts
    assert [change.where for change in texts] == ["fraud_warnings: title", "fraud_warnings: text"]


def test_saying_that_staff_are_told_changes_nothing() -> None:
    before, after = loader.loads(MINIMAL, "shop.toml"), loader.loads(saying('action = "tell_staff"'), "shop.toml")

    assert differences.compare(before, after).is_empty


def test_adds_nothing_to_what_is_enumerated() -> None:
    before, after = loader.loads(MINIMAL, "shop.toml"), loader.loads(saying(REFUND), "shop.toml")

    assert list(space(after)) == list(space(before))
    assert not differences.compare(before, after).changes
