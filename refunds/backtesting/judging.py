"""The statements that judge a chunk of orders by a policy, inside the database.

An order is judged at *moments*: each of its decisions, and each refund request about it. The facts of a moment are
stored, so they can be judged again. There are few different facts, so the policy's CASE is evaluated once for each of
them (`rules`); a chunk is then joined to the answers. Most orders have one moment and are added up where they are read;
those with several (`several`) are put together order by order.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from panel.kernel import money
from refunds.policy import compiling, scopes
from refunds.policy.compiling import Columns
from refunds.policy.document import Policy

# Facts of before there were refills and exact hours lack these; service and category are the order's own.
_FACTS: Final = Columns(
    status="facts->>'status'",
    delivery="facts->>'delivery'",
    cause="facts->>'cause'",
    initiator="facts->>'initiator'",
    terms="facts->>'terms'",
    standing="facts->>'standing'",
    since_placed="facts->>'since_placed'",
    refill="coalesce(facts->>'refill', 'not_offered')",
    hours_since_final="(CASE WHEN facts ? 'hours_since_final' THEN nullif(facts->>'hours_since_final', '')::int"
    " ELSE CASE facts->>'since_final' WHEN 'within_day' THEN 24 WHEN 'within_month' THEN 720 WHEN 'older' THEN 721 END"
    " END)",
    service="place.service",
    category="place.category",
)
_ORDER: Final = Columns(service="o.service_id", category="o.category")
_AMOUNTS: Final = Columns(charge="o.charge", quantity="o.quantity", remains="m.remains")
_ENDED: Final = "('partial', 'canceled', 'completed')"

# The row of one order, once it is judged. OFFSET 0: what is owed is worked out once, not wherever it is used.
_JUDGED: Final = """
    SELECT clause, rule, service_id, month, standing, paid, waiting, candidate, candidate - paid AS change, order_id
    FROM (SELECT j.*, least(j.charge, j.total) AS candidate FROM ({rows} OFFSET 0) j) judged
"""
_GROUPED: Final = """
    SELECT clause, rule, service_id, month, standing, count(*), count(*) FILTER (WHERE change <> 0), sum(paid),
           sum(candidate), sum(waiting), sum(abs(change)), max(abs(change))
    FROM ({judged}) judged GROUP BY clause, rule, service_id, month, standing
"""
_LARGEST: Final = """
    SELECT order_id, service_id, clause, rule, paid, candidate, waiting FROM ({judged}) judged
    WHERE abs(change) > %(above)s ORDER BY abs(change) DESC, order_id LIMIT %(most)s
"""
_IN_CHUNK: Final = "{column} > %(first)s AND {column} <= %(last)s"
_ORDERS: Final = f"""o.id > %(first)s AND o.id <= %(last)s AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
    AND o.status IN {_ENDED}"""
_MONTH: Final = "width_bucket(o.placed_at, %(months)s::timestamptz[])"
_KINDS: Final = """unnest(%(keys)s::bigint[], %(scopes)s::int[], %(rules)s::int[], %(initiators)s::text[],
    %(standings)s::text[], %(ends)s::boolean[]) AS k(key, scope, rule, initiator, standing, has_ended)"""
_LOOKED_AT: Final = "IN ('approved', 'declined')"

# Decisions and claims about the orders of `several`. A claim counts when it was answered, or while it waits.
_MOMENTS: Final = f"""
    SELECT d.order_id, d.id AS decision_id, d.at, d.facts_key, d.clause, d.remains, d.credited, d.reviewed_at,
           d.state = 'approved' AS by_people, d.state {_LOOKED_AT} AS was_looked_at,
           d.state = 'awaiting_review' AS waits, FALSE AS is_answer, FALSE AS by_staff, FALSE AS is_claim
    FROM refunds_decision d WHERE d.order_id = ANY(%(several)s::bigint[])
    UNION ALL
    SELECT r.order_id, 0, coalesce(r.closed_at, r.opened_at), r.facts_key, r.clause, r.remains, 0, NULL,
           FALSE, r.state {_LOOKED_AT} AND r.closed_by_id IS NOT NULL, FALSE,
           r.state = 'approved' AND r.closed_by_id IS NOT NULL, r.origin = 'staff', r.state <> 'withdrawn'
    FROM refunds_refundrequest r WHERE r.order_id = ANY(%(several)s::bigint[]) AND r.origin <> 'policy'
"""


@dataclass(frozen=True)
class Statements:
    """The SQL for one policy. Its parameters are named: the chunk, the period, and the kinds of facts found so far."""

    policy: Policy

    # Which orders of a chunk have more than one moment.
    several: str = f"""
        SELECT order_id FROM refunds_decision WHERE {_IN_CHUNK.format(column="order_id")}
        GROUP BY order_id HAVING count(*) > 1
        UNION SELECT order_id FROM refunds_refundrequest
        WHERE {_IN_CHUNK.format(column="order_id")} AND origin <> 'policy'
    """
    # Each kind of facts in a chunk, with a row that has it.
    kinds: str = f"""
        SELECT facts_key, max(id), FALSE FROM refunds_decision WHERE {_IN_CHUNK.format(column="order_id")} GROUP BY 1
        UNION ALL SELECT facts_key, max(id), TRUE FROM refunds_refundrequest
        WHERE {_IN_CHUNK.format(column="order_id")} AND origin <> 'policy' GROUP BY 1
    """

    @cached_property
    def rules(self) -> str:
        """Answers kinds of facts: key, scope, rule, initiator, standing, and whether an order had ended."""
        places = self._places()
        numbers, services, categories = zip(*places, strict=True)
        place = (
            f"unnest(ARRAY{list(numbers)}, ARRAY{list(services)}::bigint[], ARRAY{list(categories)}::bigint[])"
            " AS place(number, service, category)"
        )
        return f"""
            SELECT facts_key, place.number, {compiling.rule(self.policy, _FACTS)}, facts->>'initiator',
                   facts->>'standing', facts->>'status' IN {_ENDED}
            FROM (SELECT facts_key, facts FROM refunds_decision WHERE id = ANY(%(decisions)s)
                  UNION ALL
                  SELECT facts_key, facts FROM refunds_refundrequest WHERE id = ANY(%(requests)s)) found
            CROSS JOIN {place}
        """

    @cached_property
    def sums(self) -> str:
        """Add up the orders of a chunk that have one moment; `several` are left out."""
        return _GROUPED.format(judged=_JUDGED.format(rows=self._with_one_moment))

    @cached_property
    def largest(self) -> str:
        """Return the orders with one moment whose change is larger than `above`, at most `most` of them."""
        return _LARGEST.format(judged=_JUDGED.format(rows=self._with_one_moment))

    @cached_property
    def sums_of_several(self) -> str:
        """Add up those of `several`."""
        return _GROUPED.format(judged=_JUDGED.format(rows=self._with_several_moments))

    @cached_property
    def largest_of_several(self) -> str:
        """Return those of `several` whose change is larger than `above`, at most `most` of them."""
        return _LARGEST.format(judged=_JUDGED.format(rows=self._with_several_moments))

    @property
    def _with_one_moment(self) -> str:
        """What a person decided stays, if the policy asks a person too."""
        asks = f"({self._asks_by_clause} OR {self._asks_by_limit('x.owed')})"
        return f"""
            SELECT o.id AS order_id, m.clause, k.rule, o.service_id, {_MONTH} AS month, k.standing, o.charge,
                   o.refunded AS paid,
                   CASE WHEN NOT {asks} THEN x.owed WHEN m.state = 'approved' THEN m.credited ELSE 0 END AS total,
                   CASE WHEN {asks} AND NOT m.state {_LOOKED_AT} THEN x.owed ELSE 0 END AS waiting
            FROM orders_order o
            JOIN refunds_decision m ON m.order_id = o.id
            JOIN {_KINDS} ON k.key = m.facts_key AND k.scope = {self._scope}
            CROSS JOIN LATERAL (SELECT {self._owed} AS owed) x
            WHERE {_ORDERS} AND {_IN_CHUNK.format(column="m.order_id")} AND o.id <> ALL(%(several)s::bigint[])
        """

    @property
    def _with_several_moments(self) -> str:
        """Follow what an order's customer would have got from moment to moment: it never becomes less.

        At a moment the policy pays up to what it owes by itself, or people add what they granted, if the policy leaves
        any of the moments to people; where a moment has both, the larger one counts. What waits is what the last
        decision, or a claim that was not taken back, leaves to a person while nobody has looked since.
        """
        return f"""
            SELECT g.order_id, g.last[3] AS clause, g.last[2]::int AS rule, o.service_id, {_MONTH} AS month,
                   g.last[4] AS standing, o.charge, o.refunded AS paid, g.total,
                   greatest(g.left_to_people - g.total, 0) AS waiting
            FROM (
                SELECT f.order_id, CASE WHEN bool_or(f.asks) THEN greatest(sum(f.granted), max(f.owed + f.granted_later)
                                        FILTER (WHERE f.pays)) ELSE coalesce(max(f.owed) FILTER (WHERE f.pays), 0) END
                           AS total,
                       max(f.owed) FILTER (WHERE f.asks AND NOT f.is_looked_at AND (f.is_last OR f.is_claim))
                           AS left_to_people,
                       max(ARRAY[lpad(f.decision_id::text, 20, '0'), f.rule::text, f.clause, f.standing]) AS last
                FROM ({self._followed}) f GROUP BY f.order_id
            ) g JOIN orders_order o ON o.id = g.order_id
            WHERE {_ORDERS}
        """

    @property
    def _followed(self) -> str:
        """Each moment, with what it pays or asks, and what came after it."""
        return f"""
            SELECT a.*, coalesce(sum(a.granted) OVER (backwards GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                       AS granted_later,
                   bool_or(a.was_looked_at) OVER backwards AS is_looked_at,
                   a.decision_id = max(a.decision_id) OVER (PARTITION BY a.order_id) AS is_last
            FROM (
                SELECT b.*, b.has_ended AND NOT b.is_grant AND NOT b.asks AS pays
                FROM (
                    SELECT k.*, {self._asks} AS asks,
                           CASE WHEN k.by_people OR k.by_desk THEN k.credited ELSE 0 END AS granted
                    FROM ({self._known}) k
                ) b
            ) a WINDOW backwards AS (PARTITION BY a.order_id ORDER BY a.at DESC)
        """

    @property
    def _known(self) -> str:
        """Each moment, with what is owed by the policy, and what had happened by then.

        The desk ends an order at the very moment at which it answers a request. A grant is the decision that people
        made about a claim on an order as it stood; what the policy says of it, the claim itself tells.
        """
        return f"""
            SELECT m.*, k.rule, k.initiator, k.standing, k.has_ended, x.owed,
                   m.by_people AND m.reviewed_at = m.at AND k.initiator = 'customer' AS is_grant,
                   k.initiator = 'staff' AND m.decision_id > 0
                       AND bool_or(m.is_answer) OVER (PARTITION BY m.order_id, m.at) AS by_desk,
                   coalesce(sum(m.credited) OVER before, 0) AS paid_before,
                   coalesce(sum(m.credited) FILTER (WHERE m.by_people OR k.initiator = 'staff') OVER before, 0)
                       AS by_hand_before,
                   coalesce(bool_or(m.was_looked_at OR m.waits) OVER before, FALSE) AS people_before
            FROM (WITH moments AS MATERIALIZED ({_MOMENTS}) SELECT * FROM moments) m
            JOIN orders_order o ON o.id = m.order_id
            JOIN {_KINDS} ON k.key = m.facts_key AND k.scope = {self._scope}
            CROSS JOIN LATERAL (SELECT {self._owed} AS owed) x
            WINDOW before AS (PARTITION BY m.order_id ORDER BY m.at
                              GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        """

    @property
    def _asks(self) -> str:
        """Return the condition that a moment is left to people: by its clause, or by the desk's own rules."""
        return f"""CASE WHEN k.is_grant THEN FALSE
            WHEN k.decision_id > 0
                THEN {self._asks_by_clause} OR NOT k.by_desk AND k.owed > k.paid_before
                     AND {self._asks_by_limit("k.by_hand_before + k.owed - k.paid_before")}
            ELSE {self._asks_by_clause} OR k.by_staff
                 OR k.owed > k.paid_before AND (k.people_before OR NOT k.has_ended) END"""

    @property
    def _asks_by_clause(self) -> str:
        return compiling.is_reviewed(self.policy, "k.rule")

    def _asks_by_limit(self, by_hand: str) -> str:
        """Return the condition that so much is more than staff make an order credit alone."""
        limit = self.policy.review.confirm_above
        return "FALSE" if limit is None else f"(k.initiator = 'staff' AND {by_hand} > {money.exact(limit):f})"

    @property
    def _owed(self) -> str:
        return compiling.owed(self.policy, "k.rule", _AMOUNTS)

    @property
    def _scope(self) -> str:
        return compiling.scope(self.policy, _ORDER)

    def _places(self) -> list[tuple[int, int, int]]:
        """Return for each scope its number and a service and category that are in it; some can't be in any."""
        ids = self.policy.scopes.ids
        found = {self.policy.scopes.of(*place): place for place in scopes.samples([self.policy.scopes])}
        return [(number, *found[scope]) for number, scope in enumerate(ids) if scope in found]
