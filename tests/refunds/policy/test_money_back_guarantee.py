"""The money-back guarantee, clause by clause: 10.00 for 1,000 units, of which some remain."""

from decimal import Decimal

import pytest

from refunds.policy.document import Contest, Destination, Fee, OnLoss, OnOpen, OnWin
from tests.refunds.policy.cases import ABUSE, FRAUD, NO_REFUND, Case, check
from tests.refunds.policy.documents import MONEY_BACK

# clause, refund, approval, owed: status, cause, initiator, remains (of 1,000), other facts
TABLE: list[Case] = [
    ("still-pending", "none", "automatic", "0", "pending", "not_started", "system", 1000, {}),
    ("still-pending", "none", "automatic", "0", "pending", "change_of_mind", "customer", 1000, {}),
    ("still-pending", "none", "automatic", "0", "pending", "service_unavailable", "customer", 1000, ABUSE),
    ("no-refund-after-start", "none", "automatic", "0", "partial", "cannot_complete", "provider", 400, NO_REFUND),
    ("no-refund-after-start", "none", "automatic", "0", "partial", "cannot_complete", "staff", 400, NO_REFUND),
    ("no-refund-after-start", "none", "automatic", "0", "in_progress", "dropped", "customer", 400, NO_REFUND),
    ("no-refund-after-start", "none", "automatic", "0", "partial", "dropped", "staff", 400, NO_REFUND | FRAUD),
    ("no-refund-after-start", "none", "automatic", "0", "partial", "correction", "provider", 400, NO_REFUND),
    (
        "no-refund-after-start-canceled",
        "none",
        "automatic",
        "0",
        "canceled",
        "provider_canceled",
        "provider",
        400,
        NO_REFUND,
    ),
    (
        "no-refund-after-start-canceled",
        "none",
        "automatic",
        "0",
        "canceled",
        "change_of_mind",
        "provider",
        400,
        NO_REFUND,
    ),
    ("asked-while-active", "undelivered", "review", "4", "in_progress", "platform_delay", "customer", 400, {}),
    ("asked-while-active", "undelivered", "review", "10", "processing", "not_started", "customer", 1000, {}),
    ("asked-while-active", "undelivered", "review", "4", "in_progress", "system_error", "customer", 400, NO_REFUND),
    ("active", "none", "automatic", "0", "in_progress", "change_of_mind", "customer", 400, {}),
    ("active", "none", "automatic", "0", "in_progress", "delivered", "provider", 400, {}),
    ("active", "none", "automatic", "0", "processing", "not_started", "system", 1000, {}),
    ("stopped-before-start", "full", "automatic", "10", "canceled", "staff_canceled", "system", 1000, FRAUD),
    ("stopped-before-start", "full", "automatic", "10", "canceled", "staff_canceled", "system", 1000, {}),
    ("standing-in-doubt", "undelivered", "review", "4", "partial", "cannot_complete", "provider", 400, ABUSE),
    ("standing-in-doubt", "undelivered", "review", "10", "canceled", "staff_canceled", "staff", 1000, FRAUD),
    ("standing-in-doubt", "undelivered", "review", "10", "canceled", "change_of_mind", "customer", 1000, FRAUD),
    ("special-cause", "undelivered", "review", "10", "canceled", "invalid_target", "staff", 1000, {}),
    ("special-cause", "undelivered", "review", "0", "completed", "dropped", "customer", 0, {}),
    ("special-cause", "undelivered", "review", "4", "partial", "platform_delay", "provider", 400, {}),
    ("special-cause", "undelivered", "review", "4", "canceled", "terms_violation", "system", 400, {}),
    ("change-of-mind-after-start", "undelivered", "review", "4", "canceled", "change_of_mind", "staff", 400, {}),
    ("change-of-mind-after-start", "undelivered", "review", "4", "partial", "change_of_mind", "customer", 400, {}),
    ("change-of-mind-after-start", "undelivered", "review", "0", "completed", "change_of_mind", "customer", 0, {}),
    ("error-reported", "full", "review", "10", "completed", "system_error", "customer", 0, {}),
    ("error-reported", "full", "review", "10", "partial", "system_error", "customer", 400, {}),
    ("asked-afterwards", "undelivered", "review", "0", "completed", "not_started", "customer", 0, {}),
    ("asked-afterwards", "undelivered", "review", "10", "canceled", "system_error", "customer", 1000, {}),
    ("asked-afterwards", "undelivered", "review", "4", "partial", "cannot_complete", "customer", 400, {}),
    ("canceled-after-delivery", "undelivered", "review", "0", "canceled", "provider_canceled", "provider", 0, {}),
    ("canceled-by-customer", "full", "automatic", "10", "canceled", "change_of_mind", "customer", 1000, {}),
    ("canceled-by-customer", "full", "automatic", "10", "canceled", "change_of_mind", "customer", 1000, NO_REFUND),
    ("not-deliverable", "full", "automatic", "10", "canceled", "not_started", "system", 1000, {}),
    ("not-deliverable", "full", "automatic", "10", "canceled", "service_unavailable", "provider", 1000, {}),
    ("not-deliverable", "full", "automatic", "10", "partial", "not_started", "provider", 1000, {}),
    ("our-error", "full", "automatic", "10", "canceled", "system_error", "staff", 400, {}),
    ("our-error", "full", "automatic", "10", "canceled", "system_error", "system", 400, NO_REFUND),
    ("canceled-corrected", "undelivered", "automatic", "4", "canceled", "correction", "staff", 400, {}),
    ("canceled-corrected", "undelivered", "automatic", "0", "canceled", "correction", "staff", 0, {}),
    ("canceled-by-us", "full", "automatic", "10", "canceled", "staff_canceled", "staff", 400, {}),
    ("canceled-by-us", "full", "automatic", "10", "canceled", "service_discontinued", "system", 1000, {}),
    ("canceled-by-us", "full", "automatic", "10", "canceled", "change_of_mind", "staff", 1000, {}),
    ("canceled-by-us", "full", "automatic", "10", "canceled", "correction", "staff", 1000, {}),
    ("canceled-by-us", "full", "automatic", "10", "canceled", "staff_canceled", "staff", 400, NO_REFUND),
    ("canceled-by-provider", "full", "automatic", "10", "canceled", "provider_canceled", "provider", 1000, {}),
    ("canceled-by-provider", "full", "automatic", "10", "canceled", "change_of_mind", "provider", 1000, {}),
    ("canceled-by-provider", "full", "automatic", "10", "canceled", "provider_canceled", "provider", 1000, NO_REFUND),
    ("canceled-partway", "undelivered", "automatic", "4", "canceled", "provider_canceled", "provider", 400, {}),
    ("canceled-partway", "undelivered", "automatic", "4", "canceled", "change_of_mind", "provider", 400, {}),
    ("canceled-partway", "undelivered", "automatic", "4", "canceled", "correction", "provider", 400, {}),
    ("discontinued", "undelivered", "automatic", "4", "partial", "service_discontinued", "staff", 400, {}),
    ("discontinued", "undelivered", "automatic", "4", "partial", "service_discontinued", "staff", 400, NO_REFUND),
    ("target-unavailable", "undelivered", "automatic", "4", "partial", "target_unavailable", "provider", 400, {}),
    ("partly-delivered", "undelivered", "automatic", "4", "partial", "cannot_complete", "provider", 400, {}),
    ("partly-delivered", "undelivered", "automatic", "10", "partial", "cannot_complete", "provider", 1000, NO_REFUND),
    ("partly-delivered", "undelivered", "automatic", "0", "partial", "cannot_complete", "provider", 0, {}),
    ("partly-delivered", "undelivered", "automatic", "3.99", "partial", "correction", "staff", 399, {}),
    ("completed", "none", "automatic", "0", "completed", "delivered", "provider", 0, {}),
    ("completed", "none", "automatic", "0", "completed", "correction", "staff", 0, FRAUD),
    ("default", "undelivered", "review", "4", "canceled", "provider_canceled", "customer", 400, {}),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: "-".join(map(str, (case[0], *case[4:8]))))
def test_refunds_as_the_guarantee_says(case: Case) -> None:
    check(MONEY_BACK, case)


def test_the_table_has_a_row_for_every_clause() -> None:
    assert {row[0] for row in TABLE} == {clause.id for clause in MONEY_BACK.rules}


def test_names_a_passage_of_its_source_for_every_part() -> None:
    passages = [
        *(clause.passage for clause in MONEY_BACK.rules),
        *(section.passage for section in MONEY_BACK.sections),
        MONEY_BACK.withdrawals.passage,
        MONEY_BACK.review.passage,
        MONEY_BACK.chargebacks.passage,
        MONEY_BACK.contact.passage,
    ]

    assert all(passage.startswith("000_50623e33459ec80b.txt, ") for passage in passages)


def test_states_how_a_balance_is_paid_out() -> None:
    withdrawals = MONEY_BACK.withdrawals

    assert withdrawals.allowed
    assert withdrawals.destination is Destination.ORIGINAL_METHOD
    assert (withdrawals.minimum, withdrawals.verify_above) == (Decimal(5), Decimal(200))
    assert withdrawals.business_days == (3, 5)
    assert withdrawals.alternative_method


def test_states_review_times_and_what_a_chargeback_leads_to() -> None:
    chargebacks = MONEY_BACK.chargebacks

    assert MONEY_BACK.review.hours == (24, 48)
    assert (chargebacks.on_open, chargebacks.on_loss, chargebacks.on_win, chargebacks.fee, chargebacks.contest) == (
        OnOpen.SUSPEND,
        OnLoss.STAFF_DECIDES,
        OnWin.LIFT,
        Fee.AS_CHARGED,
        Contest.WITHOUT_CONTACT,
    )
