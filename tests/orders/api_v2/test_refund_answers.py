"""`refund` in the list of services: the same answers that the policy decides by, for programs."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Service
from panel.accounts.models import Standing, User
from panel.kernel import money
from refunds import publishing
from refunds.models import PolicyVersion
from refunds.policy import engine
from refunds.policy.document import Policy
from refunds.policy.facts import (
    Amounts,
    Cause,
    Delivery,
    Facts,
    Initiator,
    Refill,
    Status,
    Terms,
    hours_since_final,
    since_placed,
)
from refunds.policy.facts import Standing as PolicyStanding
from tests.conftest import LONG_AGO
from tests.factories import make_service
from tests.factories.catalog import make_category
from tests.factories.desk import publish_widened
from tests.orders.api_v2.panel_client import Api

CASES = {
    "pending_cancel": (Status.CANCELED, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER, 1000),
    "not_started": (Status.CANCELED, Cause.NOT_STARTED, Initiator.SYSTEM, 1000),
    "provider_canceled": (Status.CANCELED, Cause.PROVIDER_CANCELED, Initiator.PROVIDER, 1000),
    "partial": (Status.PARTIAL, Cause.CANNOT_COMPLETE, Initiator.PROVIDER, 333),
    "stopped_by_us": (Status.CANCELED, Cause.STAFF_CANCELED, Initiator.STAFF, 333),
    "completed": (Status.COMPLETED, Cause.DELIVERED, Initiator.PROVIDER, 0),
    "short": (Status.COMPLETED, Cause.CANNOT_COMPLETE, Initiator.CUSTOMER, 0),
    "dropped": (Status.COMPLETED, Cause.DROPPED, Initiator.CUSTOMER, 0),
    "refill_failed": (Status.COMPLETED, Cause.DROPPED, Initiator.CUSTOMER, 0),
}
AFTER_THE_END = {"short", "dropped", "refill_failed"}
SEVERAL_WAYS = {"not_started", "provider_canceled", "partial"}
DELIVERY = {1000: Delivery.NONE, 333: Delivery.SOME, 0: Delivery.ALL}
CHARGE = Decimal("7.77")
AGES = [
    timedelta(hours=hours, seconds=more) for hours in (0, 1, 24, 72, 720) for more in (-1, 0, 1) if hours or more >= 0
]


@dataclass(frozen=True)
class Answer:
    """What a program reads for one case and age."""

    refund: str
    review: bool
    cap: str
    fee: str

    def owed(self, remains: int) -> Decimal:
        """Work out the refund of an order of CHARGE as docs/api_v2.md says it."""
        share = {"full": CHARGE, "undelivered": money.share(CHARGE, remains, 1000), "none": money.ZERO}[self.refund]
        capped = min(share, portion(self.cap, CHARGE)) if self.cap else share
        return max(capped - portion(self.fee, capped), money.ZERO) if self.fee else capped


def portion(text: str, of: Decimal) -> Decimal:
    if text.endswith("%"):
        return money.share(of, Decimal(text.removesuffix("%")), 100)
    return Decimal(text)


def read(refund: dict[str, Any], case: str, age: timedelta) -> Answer | None:
    """Read a case as docs/api_v2.md says it."""
    if refund[case] is None:
        return None
    within = refund.get("within_hours", {}).get(case)
    if within is None or age <= timedelta(hours=within):
        review = case in refund["review"]
        return Answer(refund[case], review, *(refund.get(key, {}).get(case, "") for key in ("cap", "fee")))
    for later in refund["later"][case]:
        if "within_hours" not in later or age <= timedelta(hours=later["within_hours"]):
            return Answer(later["refund"], later["review"], later.get("cap", ""), later.get("fee", ""))
    raise AssertionError(f"{case} has no answer for {age}")


def facts_of(case: str, service: Service, standing: Standing, age: timedelta) -> Facts:
    status, cause, initiator, remains = CASES[case]
    has_refill = service.allows_refill and status is not Status.CANCELED
    refill = Refill.AVAILABLE if has_refill else Refill.NOT_OFFERED
    return Facts(
        status,
        DELIVERY[remains],
        cause,
        initiator,
        Terms(service.terms.value),
        PolicyStanding(standing.value),
        since_placed(age),
        hours_since_final(age) if case in AFTER_THE_END else 0,
        Refill.REFUSED if case == "refill_failed" else refill,
        service.pk,
        service.category_id,
    )


def a_catalog() -> tuple[list[Service], Service]:
    """Return a service of each kind that the widened policies tell apart, and the newsletter spot among them."""
    creators = make_category("Creator placements")
    services = [
        make_service(category=category, refund_after_start=refundable, allows_refill=refill)
        for category, refundable, refill in product((creators, make_category()), (True, False), (True, False))
    ]
    newsletter = make_service()
    return [*services, newsletter], newsletter


def policy_in_force() -> Policy:
    return PolicyVersion.objects.order_by("-pk")[0].policy


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("slug", ["money-back-guarantee", "panel-credit-only"])
@pytest.mark.parametrize("is_widened", [False, True])
def test_a_program_reads_what_the_policy_decides(
    api: Api, ada: User, slug: str, standing: Standing, *, is_widened: bool
) -> None:
    services, newsletter = a_catalog()
    _put_in_force(slug, newsletter, is_widened=is_widened)
    User.objects.filter(pk=ada.pk).update(standing=standing)

    rows = {row["service"]: row["refund"] for row in api("services")}

    policy = policy_in_force()
    assert policy.slug == slug
    compared = 0
    for service, case, age in product(services, CASES, AGES):
        answer = read(rows[service.pk], case, age)
        if answer is None:
            assert case in {"pending_cancel", "refill_failed"}
            assert case != "refill_failed" or not service.allows_refill
            assert case != "pending_cancel" or not engine.may_customer_cancel(policy, "pending")
            continue
        remains = CASES[case][3]
        verdict = engine.decide(policy, facts_of(case, service, standing, age), Amounts(CHARGE, 1000, remains))
        if is_widened and case in SEVERAL_WAYS:  # of which the least is said
            assert answer.owed(remains) <= verdict.owed
            assert answer.review or verdict.approval.value == "automatic" or not answer.owed(remains)
        else:
            refund = "full" if remains == 1000 and verdict.refund != "none" else verdict.refund.value
            assert (answer.refund, answer.review) == (refund, verdict.approval.value == "review")
            assert answer.owed(remains) == verdict.owed
        compared += 1
    assert compared > 500


def _put_in_force(slug: str, newsletter: Service, *, is_widened: bool) -> None:
    if is_widened:
        publish_widened(creators=make_category("Creator placements"), newsletter=newsletter, slug=slug)
    elif slug != "money-back-guarantee":  # which is in force already
        text = (publishing.SHIPPED / f"{slug}.toml").read_text(encoding="utf-8")
        publishing.publish(text=text, source=slug, effective_from=LONG_AGO, at=LONG_AGO)


def test_windows_caps_and_fees_stand_beside_the_cases_that_have_them(api: Api) -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    placement = make_service(category=creators, allows_refill=True)

    [row] = api("services")

    assert row["service"] == placement.pk
    assert row["refund"] == {
        "pending_cancel": "full",
        "not_started": "full",
        "provider_canceled": "full",
        "partial": "undelivered",
        "stopped_by_us": "full",
        "completed": "none",
        "short": "undelivered",
        "dropped": "none",
        "refill_failed": "full",
        "review": ["short", "refill_failed"],
        "cap": {"refill_failed": "50%"},
        "fee": {"provider_canceled": "5%", "partial": "5%", "refill_failed": "0.50"},
        "within_hours": {"refill_failed": 72},
        "later": {"refill_failed": [{"refund": "none", "review": False}]},
    }
    assert row["refund_note"].splitlines()[-1] == (
        "If the refill fails within 72 hours of the end: refund to your balance, at most 50 % of the charge,"
        " less a fee of 0.50 USD, after review; later: no refund."
    )


def test_a_scope_changes_the_answers_for_its_services_only(api: Api) -> None:
    services, newsletter = a_catalog()
    publish_widened(creators=make_category("Creator placements"), newsletter=newsletter)

    rows = {row["service"]: row["refund"] for row in api("services")}

    assert rows[newsletter.pk]["cap"] == {"not_started": "10.00", "provider_canceled": "10.00", "partial": "10.00"}
    assert [rows[service.pk].get("cap") for service in services[4:8]] == [None] * 4


def test_no_error_carries_it(api: Api) -> None:
    assert set(api("add", service=1)) == {"error"}


@pytest.mark.usefixtures("keys_used_now")
def test_a_policy_with_scopes_takes_no_more_statements_for_many_services(api: Api) -> None:
    _, newsletter = a_catalog()
    publish_widened(creators=make_category("Creator placements"), newsletter=newsletter)
    api("services")

    with CaptureQueriesContext(connection) as statements:
        assert len(api("services")) == 9

    assert len(statements) == 3  # key, policy in force, services
