"""The note beside the Order button: what the policy decides, in short plain lines."""

import pytest

from refunds.policy import loader, noting, quoting
from refunds.policy.document import Policy
from refunds.policy.facts import Refill, Standing, Terms
from refunds.policy.quoting import Offered
from tests.refunds.policy import widened
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK, SHIPPED, minimal_with
from tests.refunds.policy.widened import CREATORS, NEWSLETTER, WIDENED

NO_REFUND = Offered(Terms.NO_REFUND_AFTER_START)
FULL = "full refund to your balance"
UNDELIVERED = "what was not delivered is refunded to your balance"
A_PLACEMENT = "refund to your balance, at most 50 % of the charge, less a fee of 0.50 USD, after review"


def note(policy: Policy, offered: Offered, standing: Standing = Standing.CLEAR) -> tuple[str, ...]:
    return noting.lines(quoting.quote(policy, offered, standing), "USD")


def shop(old: str, new: str, words: tuple[str, str] | None = None) -> Policy:
    text = minimal_with(old, new)
    return loader.loads(text.replace(*words) if words else text, "shop.toml")


def test_the_guarantee() -> None:
    assert note(MONEY_BACK, Offered()) == (
        f"Cancel while it is pending: {FULL}.",
        f"If it can't be started: {FULL}.",
        f"If it is delivered only in part: {UNDELIVERED}.",
        "Delivered in full: no refund.",
        "If less was delivered than reported, or it goes away later: a person looks at it.",
    )


def test_a_service_that_can_not_be_refunded_once_delivery_has_begun_says_so_clearly() -> None:
    assert note(MONEY_BACK, NO_REFUND) == (
        f"Cancel while it is pending: {FULL}.",
        f"If it can't be started: {FULL}.",
        "Once delivery has begun, this service can't be refunded, unless we stop it ourselves.",
        "Delivered in full: no refund.",
        "If less was delivered than reported, or it goes away later: a person looks at it.",
    )


@pytest.mark.parametrize("offered", [Offered(), NO_REFUND])
def test_credit_only_and_its_mark_that_changes_nothing(offered: Offered) -> None:
    assert note(CREDIT_ONLY, offered) == (
        "An order can't be canceled at your own wish once it is placed.",
        f"If it can't be started: {FULL}.",
        f"If it is delivered only in part: {UNDELIVERED}.",
        "Delivered in full: no refund, also if it goes away later.",
    )


def test_a_customer_in_doubt_reads_that_a_person_looks_first() -> None:
    assert note(MONEY_BACK, Offered(), Standing.ABUSE_FLAGGED) == (
        f"Cancel while it is pending: {FULL}, after review.",
        f"If it can't be started: {FULL}, after review.",
        f"If it is delivered only in part: {UNDELIVERED}, after review.",
        "Delivered in full: no refund.",
        "If less was delivered than reported, or it goes away later: a person looks at it.",
    )


def test_a_customer_in_doubt_reads_that_nothing_is_refunded() -> None:
    assert note(CREDIT_ONLY, Offered(), Standing.FRAUD_SUSPECTED) == (
        "An order can't be canceled at your own wish once it is placed.",
        "If it can't be started: no refund.",
        "Once delivery has begun, this service can't be refunded.",
        "Delivered in full: no refund, also if it goes away later.",
    )


def test_a_scope_with_a_window_a_cap_and_fees() -> None:
    assert note(WIDENED, Offered(category=CREATORS)) == (
        f"Cancel while it is pending: {FULL}.",
        f"If it can't be started: {FULL}.",
        "If the provider cancels it: refund to your balance, less a fee of 5 %.",
        f"If it is delivered only in part: {UNDELIVERED}, less a fee of 5 %.",
        "Delivered in full: no refund.",
        "If less was delivered than reported: a person looks at it.",
        f"If what was delivered goes away within 72 hours of the end: {A_PLACEMENT}; later: no refund.",
    )


def test_a_refill_that_comes_before_a_refund() -> None:
    assert note(WIDENED, Offered(refill=Refill.AVAILABLE, category=CREATORS))[5:] == (
        "If less was delivered than reported: a person looks at it.",
        "If what was delivered goes away: ask for a refill first.",
        f"If the refill fails within 72 hours of the end: {A_PLACEMENT}; later: no refund.",
    )


def test_a_refill_is_not_mentioned_where_the_policy_says_nothing_of_it() -> None:
    for policy in SHIPPED:
        assert note(policy, Offered(refill=Refill.AVAILABLE)) == note(policy, Offered())
    assert note(WIDENED, Offered(refill=Refill.AVAILABLE)) == note(MONEY_BACK, Offered())


def test_a_refill_that_changes_what_is_refunded_is_told_beside_it() -> None:
    text = widened.text_of("money-back-guarantee").replace(
        'when.refill = ["available", "running"]\nthen = { refund = "none", approval = "automatic" }',
        'when.refill = ["available"]\nthen = { refund = "full", approval = "review" }',
    )

    assert note(loader.loads(text, "shop.toml"), Offered(refill=Refill.AVAILABLE, category=CREATORS))[6:] == (
        f"If what was delivered goes away: {FULL}, after review.",
        f"If the refill fails within 72 hours of the end: {A_PLACEMENT}; later: no refund.",
    )


def test_a_fixed_cap_and_a_service_of_its_own() -> None:
    assert note(WIDENED, Offered(service=NEWSLETTER))[1:3] == (
        "If it can't be started: refund to your balance, at most 10.00 USD.",
        f"If it is delivered only in part: {UNDELIVERED}, at most 10.00 USD.",
    )


def test_other_services_read_what_they_would_without_the_scopes() -> None:
    for offered in (Offered(), NO_REFUND, Offered(service=99, category=99)):
        assert note(WIDENED, offered) == note(MONEY_BACK, offered)


def test_a_refund_that_a_person_looks_at_first() -> None:
    policy = shop('refund = "undelivered", approval = "automatic"', 'refund = "full", approval = "review"')

    assert note(policy, Offered())[2] == f"If it is delivered only in part: {FULL}, after review."


def test_nothing_to_look_at_is_no_refund() -> None:
    policy = shop('refund = "undelivered", approval = "automatic"', 'refund = "none", approval = "review"')

    assert note(policy, Offered())[1:3] == (
        "If it can't be started: no refund.",
        "Once delivery has begun, this service can't be refunded.",
    )


def test_a_completed_order_of_which_the_undelivered_part_is_owed_is_owed_nothing() -> None:
    policy = shop('["partial", "canceled"]', '["partial", "canceled", "completed"]')

    assert note(policy, Offered())[3:] == ("Delivered in full: no refund, also if it goes away later.",)


def test_a_completed_order_can_be_refunded_where_a_policy_wants_it_so() -> None:
    policy = shop(
        '{ status = ["partial", "canceled"] }\nthen = { refund = "undelivered"',
        '{ status = ["completed"] }\nthen = { refund = "full", cap = "10 %"',
        ("What is missing comes back.", "Up to {cap} comes back."),
    )

    tenth = "refund to your balance, at most 10 % of the charge"
    assert note(policy, Offered())[3:] == (
        f"Delivered in full: {tenth}.",
        f"If less was delivered than reported, or it goes away later: {tenth}.",
    )


def test_a_cancel_that_is_free_for_an_hour_only() -> None:
    policy = shop('when = { status = ["partial", "canceled"] }', 'when.since_placed = ["within_hour"]')

    assert note(policy, Offered())[0] == (
        f"Cancel while it is pending within an hour of ordering: {FULL}; later: no refund."
    )


def test_claims_that_depend_on_the_age_of_the_order_say_so() -> None:
    policy = shop(
        '{ status = ["partial", "canceled"] }\nthen = { refund = "undelivered", approval = "automatic"',
        '{ status = ["completed"], since_placed = ["within_hour", "within_day"] }\n'
        'then = { refund = "full", approval = "review"',
    )

    assert note(policy, Offered())[4] == (
        "If less was delivered than reported, or it goes away later: no refund;"
        " it may be more, by how long ago you ordered."
    )


@pytest.mark.parametrize("policy", [*SHIPPED, WIDENED, loader.loads(MINIMAL, "shop.toml")], ids=lambda one: one.slug)
def test_every_line_is_short_and_whole(policy: Policy) -> None:
    for terms in Terms:
        for standing in Standing:
            for refill in (Refill.NOT_OFFERED, Refill.AVAILABLE):
                for line in note(policy, Offered(terms, refill, category=CREATORS), standing):
                    assert len(line) <= 170
                    assert line[0].isupper()
                    assert line.endswith(".")
                    assert not set("{}") & set(line)


def test_a_window_for_both_claims_reads_as_one_sentence() -> None:
    policy = shop(
        'when = { status = ["partial", "canceled"] }\nthen = { refund = "undelivered", approval = "automatic"',
        'when = { status = ["completed"], claim_window_hours = 96 }\nthen = { refund = "full", approval = "review"',
        ("What is missing comes back.", "What is missing within {claim_window} comes back."),
    )

    assert note(policy, Offered())[4] == (
        f"If less was delivered than reported, or it goes away within 4 days of the end: {FULL}, after review;"
        " later: no refund."
    )
