"""The credit-only policy, clause by clause: 10.00 for 1,000 units, of which some remain."""

import pytest

from refunds.policy.document import Contest, Destination, Fee, OnLoss, OnOpen, OnWin
from tests.refunds.policy.cases import ABUSE, FRAUD, NO_REFUND, Case, check
from tests.refunds.policy.documents import CREDIT_ONLY

# clause, refund, approval, owed: status, cause, initiator, remains (of 1,000), other facts
TABLE: list[Case] = [
    ("stopped-before-start", "full", "automatic", "10", "canceled", "staff_canceled", "system", 1000, FRAUD),
    ("stopped-before-start", "full", "automatic", "10", "canceled", "staff_canceled", "system", 1000, ABUSE),
    ("abuse-or-fraud", "none", "automatic", "0", "canceled", "staff_canceled", "staff", 1000, ABUSE),
    ("abuse-or-fraud", "none", "automatic", "0", "partial", "cannot_complete", "provider", 400, FRAUD),
    ("completed", "none", "automatic", "0", "completed", "delivered", "provider", 0, {}),
    ("completed", "none", "automatic", "0", "completed", "dropped", "customer", 0, {}),
    ("in-progress", "none", "automatic", "0", "in_progress", "not_started", "customer", 1000, {}),
    ("wrong-target", "none", "automatic", "0", "canceled", "invalid_target", "staff", 1000, {}),
    ("wrong-target", "none", "automatic", "0", "partial", "invalid_target", "provider", 400, {}),
    ("dropped", "none", "automatic", "0", "partial", "dropped", "staff", 400, {}),
    ("platform-delay", "none", "automatic", "0", "canceled", "platform_delay", "system", 1000, {}),
    ("change-of-mind", "none", "automatic", "0", "canceled", "change_of_mind", "customer", 1000, {}),
    ("change-of-mind", "none", "automatic", "0", "pending", "change_of_mind", "customer", 1000, {}),
    ("change-of-mind", "none", "automatic", "0", "canceled", "change_of_mind", "provider", 1000, {}),
    ("terms-violation", "none", "automatic", "0", "canceled", "terms_violation", "staff", 1000, {}),
    ("failure-reported", "undelivered", "review", "10", "pending", "not_started", "customer", 1000, {}),
    ("failure-reported", "undelivered", "review", "4", "partial", "cannot_complete", "customer", 400, {}),
    ("not-started", "full", "automatic", "10", "canceled", "not_started", "provider", 1000, {}),
    ("not-started", "full", "automatic", "10", "canceled", "service_unavailable", "system", 1000, {}),
    ("not-started", "full", "automatic", "10", "partial", "service_unavailable", "provider", 1000, {}),
    ("canceled", "full", "automatic", "10", "canceled", "staff_canceled", "staff", 400, {}),
    ("canceled", "full", "automatic", "10", "canceled", "provider_canceled", "provider", 400, {}),
    ("canceled", "full", "automatic", "10", "canceled", "provider_canceled", "provider", 0, {}),
    ("canceled", "full", "automatic", "10", "canceled", "system_error", "system", 400, {}),
    ("canceled", "full", "automatic", "10", "canceled", "staff_canceled", "staff", 400, NO_REFUND),
    ("canceled", "full", "automatic", "10", "canceled", "correction", "provider", 400, {}),
    ("partial", "undelivered", "automatic", "4", "partial", "cannot_complete", "provider", 400, {}),
    ("partial", "undelivered", "automatic", "4", "partial", "cannot_complete", "provider", 400, NO_REFUND),
    ("partial", "undelivered", "automatic", "0", "partial", "cannot_complete", "provider", 0, {}),
    ("partial", "undelivered", "automatic", "3.99", "partial", "correction", "staff", 399, {}),
    ("default", "none", "automatic", "0", "pending", "not_started", "system", 1000, {}),
    ("default", "none", "automatic", "0", "processing", "delivered", "provider", 1000, {}),
    ("default", "none", "automatic", "0", "canceled", "staff_canceled", "customer", 1000, {}),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: "-".join(map(str, (case[0], *case[4:8]))))
def test_refunds_as_the_policy_says(case: Case) -> None:
    check(CREDIT_ONLY, case)


def test_the_table_has_a_row_for_every_clause() -> None:
    assert {row[0] for row in TABLE} == {clause.id for clause in CREDIT_ONLY.rules}


def test_names_a_passage_of_its_source_for_every_part() -> None:
    passages = [
        *(clause.passage for clause in CREDIT_ONLY.rules),
        *(section.passage for section in CREDIT_ONLY.sections),
        CREDIT_ONLY.withdrawals.passage,
        CREDIT_ONLY.review.passage,
        CREDIT_ONLY.chargebacks.passage,
        CREDIT_ONLY.contact.passage,
    ]

    assert all(passage.startswith("003_27d3e57c0a1f626d.txt, ") for passage in passages)


def test_never_pays_a_balance_out() -> None:
    withdrawals = CREDIT_ONLY.withdrawals

    assert not withdrawals.allowed
    assert withdrawals.destination is Destination.BALANCE
    assert (withdrawals.minimum, withdrawals.verify_above, withdrawals.business_days) == (None, None, None)
    assert not withdrawals.alternative_method


def test_states_review_times_and_what_a_chargeback_leads_to() -> None:
    chargebacks = CREDIT_ONLY.chargebacks

    assert CREDIT_ONLY.review.hours == (24, 72)
    assert (chargebacks.on_open, chargebacks.on_loss, chargebacks.on_win, chargebacks.fee, chargebacks.contest) == (
        OnOpen.SUSPEND,
        OnLoss.BAN,
        OnWin.LIFT,
        Fee.NONE,
        Contest.STAFF_DECIDES,
    )
