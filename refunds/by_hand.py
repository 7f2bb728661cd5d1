"""What people made orders credit: on the orders' own pages and at the desk. Together it has the policy's limit."""

from collections.abc import Collection
from decimal import Decimal

from django.db.models import Q, Sum

from panel.kernel import money
from refunds.models import Decision, DecisionState
from refunds.policy.facts import Initiator

_BY_PEOPLE = Q(state=DecisionState.APPROVED) | Q(facts__initiator=Initiator.STAFF.value)


def credited(order_ids: Collection[int]) -> dict[int, Decimal]:
    """Return what people made each of these orders credit before (money scale), where it is anything. One statement."""
    if not order_ids:
        return {}
    found = Decision.objects.filter(_BY_PEOPLE, order__in=order_ids, credited__gt=0)
    return {number: money.exact(total) for number, total in found.values_list("order").annotate(Sum("credited"))}
