"""Looks at the database in single snapshots while the chaos goes on: what must hold at any time."""
import time

import psycopg2

# Each statement gives the rows that break a rule; none is good.
RULES = {
    "more open items than the quota allows": """
        WITH open AS (
            SELECT s.scope, s.id, sum(p.pending_count + p.processing_count) AS items
            FROM runs r JOIN run_progress p USING (run_id)
            CROSS JOIN LATERAL (VALUES ('organization', r.organization_id), ('user', r.submitted_by)) AS s (scope, id)
            GROUP BY s.scope, s.id)
        SELECT o.scope, o.id, o.items, quota_maximum(o.scope, o.id, 'open_items')
        FROM open o WHERE o.items > quota_maximum(o.scope, o.id, 'open_items')""",
    "quota_usage.open_items is not the number of open items": """
        WITH open AS (
            SELECT s.scope, s.id, sum((i.state <> 'TERMINATED')::integer) AS items
            FROM runs r JOIN items i USING (run_id)
            CROSS JOIN LATERAL (VALUES ('organization', r.organization_id), ('user', r.submitted_by)) AS s (scope, id)
            GROUP BY s.scope, s.id)
        SELECT o.scope, o.id, o.items, u.open_items
        FROM open o LEFT JOIN (
            SELECT u.scope, u.subject_id, u.open_items - coalesce(sum(q.open_items), 0) AS open_items
            FROM quota_usage u
            LEFT JOIN quota_releases q
                ON u.subject_id = CASE u.scope WHEN 'user' THEN q.user_id ELSE q.organization_id END
            GROUP BY u.scope, u.subject_id) AS u ON u.scope = o.scope AND u.subject_id = o.id
        WHERE o.items IS DISTINCT FROM u.open_items""",
    "more items in a month than the quota allows": """
        WITH paid AS (
            SELECT s.scope, s.id, month_of(r.submitted_at) AS month,
                   sum(p.item_count - p.skipped_count - p.system_error_count) AS items
            FROM runs r JOIN run_progress p USING (run_id)
            CROSS JOIN LATERAL (VALUES ('organization', r.organization_id), ('user', r.submitted_by)) AS s (scope, id)
            GROUP BY s.scope, s.id, month)
        SELECT o.scope, o.id, o.items, quota_maximum(o.scope, o.id, 'items_per_month')
        FROM paid o WHERE o.items > quota_maximum(o.scope, o.id, 'items_per_month')""",
    "statistics of a run are not those of its items": """
        SELECT p.run_id::text, p.state, p.pending_count, p.processing_count, p.user_error_count,
               p.system_error_count, p.skipped_count, p.succeeded_count, c.counts
        FROM run_progress p
        JOIN (SELECT run_id, array[count(*) FILTER (WHERE state = 'PENDING'),
                     count(*) FILTER (WHERE state = 'PROCESSING'),
                     count(*) FILTER (WHERE termination_reason = 'USER_ERROR'),
                     count(*) FILTER (WHERE termination_reason = 'SYSTEM_ERROR'),
                     count(*) FILTER (WHERE termination_reason = 'SKIPPED'),
                     count(*) FILTER (WHERE termination_reason = 'SUCCEEDED')] AS counts
              FROM items GROUP BY run_id) AS c USING (run_id)
        WHERE c.counts <> array[p.pending_count, p.processing_count, p.user_error_count,
                                p.system_error_count, p.skipped_count, p.succeeded_count]::bigint[]""",
    "an item has an open attempt that does not hold it, or two": """
        SELECT i.run_id::text, i.external_id, i.state, i.attempt_id::text, array_agg(a.attempt_id::text)
        FROM attempts a JOIN items i USING (item_id) WHERE a.ended_at IS NULL
        GROUP BY i.run_id, i.external_id, i.state, i.attempt_id
        HAVING count(*) > 1 OR bool_or(i.attempt_id IS DISTINCT FROM a.attempt_id)
            OR i.state <> 'PROCESSING'""",
}
VIOLATIONS_SHOWN = 5


class Monitor:
    """Reads straight from PostgreSQL, past the proxy."""

    def __init__(self, conninfo, pause_seconds=0.5):
        self.conninfo = conninfo
        self.pause_seconds = pause_seconds
        self.snapshots = 0
        self.violations = {}

    def work(self, until):
        connection = None
        while time.monotonic() < until:
            try:
                connection = connection or psycopg2.connect(self.conninfo)
                connection.autocommit = True
                self.look(connection)
            except psycopg2.Error:
                connection = None
            time.sleep(self.pause_seconds)

    def look(self, connection):
        with connection.cursor() as cursor:
            for rule, statement in RULES.items():
                cursor.execute(statement)
                rows = cursor.fetchall()
                if rows:
                    found = self.violations.setdefault(rule, [])
                    found += rows[:VIOLATIONS_SHOWN] if len(found) < VIOLATIONS_SHOWN else []
        self.snapshots += 1

    def found(self):
        return [f"{rule}: {row}" for rule, rows in self.violations.items() for row in rows]
