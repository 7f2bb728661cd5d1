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

# The row of one order, once it is judged. What a person decided stays, as far as the policy asks a person too.
_JUDGED: Final = """
    SELECT clause, rule, service_id, month, standing, paid, waiting, candidate, candidate - paid AS change, order_id
    FROM (SELECT j.*, least(j.charge, j.automatic + CASE WHEN j.is_reviewed THEN j.by_people ELSE 0 END) AS candidate
          FROM ({rows}) j) judged
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
    %(standings)s::text[]) AS k(key, scope, rule, initiator, standing)"""
_LOOKED_AT: Final = "IN ('approved', 'declined')"


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
        """Answers kinds of facts: key, scope, rule, initiator, standing, and whether the order had ended."""
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
        looked_at = f"m.state {_LOOKED_AT}"
        reviewed = self._reviewed("FALSE")
        return f"""
            SELECT o.id AS order_id, m.clause, k.rule, o.service_id, {_MONTH} AS month, k.standing, o.charge,
                   o.refunded AS paid, {reviewed} AS is_reviewed,
                   CASE WHEN m.state = 'approved' THEN m.credited ELSE 0 END AS by_people,
                   CASE WHEN {reviewed} THEN 0 ELSE x.owed END AS automatic,
                   CASE WHEN {reviewed} AND NOT {looked_at} THEN x.owed ELSE 0 END AS waiting
            FROM orders_order o
            JOIN refunds_decision m ON m.order_id = o.id
            JOIN {_KINDS} ON k.key = m.facts_key AND k.scope = {self._scope}
            CROSS JOIN LATERAL (SELECT {self._owed} AS owed) x
            WHERE {_ORDERS} AND {_IN_CHUNK.format(column="m.order_id")} AND o.id <> ALL(%(several)s::bigint[])
        """

    @property
    def _with_several_moments(self) -> str:
        """Of several moments the most that the policy pays by itself counts: a later one never takes anything back.

        What waits is what the last decision, or a request, leaves to a person while nobody has looked at the order. An
        order that the desk ended was looked at, and the policy's answer to that end was its part of it.
        """
        return f"""
            SELECT g.order_id, g.last[3] AS clause, g.last[2]::int AS rule, o.service_id, {_MONTH} AS month,
                   g.last[4] AS standing, o.charge, o.refunded AS paid, g.is_reviewed, g.by_people, g.automatic,
                   CASE WHEN g.was_looked_at THEN 0 ELSE greatest(g.left_to_people - g.automatic, 0) END AS waiting
            FROM (
                SELECT j.order_id, max(ARRAY[lpad(j.decision_id::text, 20, '0'), j.rule::text, j.clause, j.standing])
                           AS last,
                       coalesce(max(j.owed) FILTER (WHERE NOT j.is_reviewed), 0) AS automatic,
                       coalesce(max(j.owed) FILTER (WHERE j.is_reviewed AND (j.is_last OR j.decision_id = 0)), 0)
                           AS left_to_people,
                       bool_or(j.is_reviewed) AS is_reviewed, bool_or(j.was_looked_at) AS was_looked_at,
                       sum(j.by_people) AS by_people
                FROM (
                    SELECT m.*, k.rule, k.standing, x.owed, {self._reviewed("m.by_desk")} AS is_reviewed,
                           m.decision_id = max(m.decision_id) OVER (PARTITION BY m.order_id) AS is_last
                    FROM (WITH moments AS MATERIALIZED ({self._moments}) SELECT * FROM moments) m
                    JOIN orders_order o ON o.id = m.order_id
                    JOIN {_KINDS} ON k.key = m.facts_key AND k.scope = {self._scope}
                    CROSS JOIN LATERAL (SELECT {self._owed} AS owed) x
                ) j GROUP BY j.order_id
            ) g JOIN orders_order o ON o.id = g.order_id
            WHERE {_ORDERS}
        """

    _moments: str = f"""
        SELECT d.order_id, d.id AS decision_id, d.facts_key, d.clause, d.remains, desk.ended AS by_desk,
               CASE WHEN d.state = 'approved' THEN d.credited ELSE 0 END AS by_people,
               d.state {_LOOKED_AT} OR desk.ended AS was_looked_at
        FROM refunds_decision d
        CROSS JOIN LATERAL (SELECT (d.order_id, d.at) IN (
            SELECT r.order_id, r.closed_at FROM refunds_refundrequest r
            WHERE r.order_id = ANY(%(several)s::bigint[]) AND r.state = 'approved') AS ended OFFSET 0) desk
        WHERE d.order_id = ANY(%(several)s::bigint[])
        UNION ALL
        SELECT r.order_id, 0, r.facts_key, r.clause, r.remains, FALSE, 0,
               r.state {_LOOKED_AT} AND r.closed_by_id IS NOT NULL
        FROM refunds_refundrequest r WHERE r.order_id = ANY(%(several)s::bigint[]) AND r.origin <> 'policy'
    """

    def _reviewed(self, by_desk: str) -> str:
        """Return the condition that a person looks first: by the clause, or because staff move so much alone."""
        by_clause = compiling.is_reviewed(self.policy, "k.rule")
        limit = self.policy.review.confirm_above
        if limit is None:
            return by_clause
        return f"({by_clause} OR k.initiator = 'staff' AND x.owed > {money.exact(limit):f} AND NOT {by_desk})"

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
