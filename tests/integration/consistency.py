"""What must be true of a database at every moment, as queries that find what is not: each gives the
rows that break its rule. The counts are taken anew from the items, by nothing that the platform uses.
"""

RULES = {
    "statistics equal the items": """
        SELECT p.run_id, p.pending_count, p.processing_count, p.succeeded_count, i.*
        FROM run_progress p
        JOIN (SELECT run_id, count(*) AS item_count,
                     count(*) FILTER (WHERE state = 'PENDING') AS pending,
                     count(*) FILTER (WHERE state = 'PROCESSING') AS processing,
                     count(*) FILTER (WHERE termination_reason = 'SUCCEEDED') AS succeeded,
                     count(*) FILTER (WHERE termination_reason = 'USER_ERROR') AS user_error,
                     count(*) FILTER (WHERE termination_reason = 'SYSTEM_ERROR') AS system_error,
                     count(*) FILTER (WHERE termination_reason = 'SKIPPED') AS skipped
              FROM items GROUP BY run_id) AS i ON i.run_id = p.run_id
        WHERE (p.item_count, p.pending_count, p.processing_count, p.succeeded_count, p.user_error_count,
               p.system_error_count, p.skipped_count)
              IS DISTINCT FROM (i.item_count, i.pending, i.processing, i.succeeded, i.user_error,
                                i.system_error, i.skipped)""",
    "the state of a run follows from its items": """
        SELECT run_id, state, pending_count, processing_count FROM run_progress
        WHERE state <> CASE WHEN processing_count > 0 THEN 'PROCESSING'
                            WHEN pending_count > 0 THEN 'PENDING' ELSE 'TERMINATED' END""",
    "an item in work has one running attempt, others have none": """
        SELECT i.item_id, i.state, count(a.attempt_id) FROM items i
        LEFT JOIN attempts a ON a.item_id = i.item_id AND a.outcome IS NULL
        GROUP BY i.item_id
        HAVING count(a.attempt_id) <> (i.state = 'PROCESSING')::integer
            OR count(*) FILTER (WHERE a.attempt_id <> i.attempt_id) > 0""",
    "only the winner's artifacts are there": """
        SELECT o.output_artifact_id FROM output_artifacts o
        JOIN items i ON i.item_id = o.item_id
        LEFT JOIN attempts a ON a.attempt_id = o.attempt_id
        WHERE i.termination_reason IS DISTINCT FROM 'SUCCEEDED' OR i.attempt_id <> o.attempt_id
           OR a.outcome IS DISTINCT FROM 'SUCCEEDED'""",
    "an item ends once": """
        SELECT i.item_id, i.state, count(u.audit_id) FROM items i
        LEFT JOIN audit u ON u.item_id = i.item_id AND u.action = 'item.terminated'
        GROUP BY i.item_id
        HAVING count(u.audit_id) <> (i.state = 'TERMINATED')::integer""",
    "a run ends once": """
        SELECT p.run_id, p.state, count(u.audit_id) FROM run_progress p
        LEFT JOIN audit u ON u.run_id = p.run_id AND u.action IN ('run.terminated', 'run.cancelled')
        GROUP BY p.run_id
        HAVING count(u.audit_id) <> (p.state = 'TERMINATED')::integer""",
    "artifacts wait for their deletion or are deleted": """
        SELECT p.run_id FROM run_progress p JOIN runs r ON r.run_id = p.run_id
        LEFT JOIN retained_runs k ON k.run_id = p.run_id
        WHERE (k.run_id IS NOT NULL) <> (p.state = 'TERMINATED' AND p.succeeded_count > 0
                                         AND r.artifacts_deleted_at IS NULL)""",
    "the objects of deleted artifacts are removed or will be": """
        SELECT o.output_artifact_id FROM output_artifacts o JOIN runs r ON r.run_id = o.run_id
        JOIN items i ON i.item_id = o.item_id
        LEFT JOIN deleted_runs d ON d.run_id = o.run_id AND d.next_ordinal <= i.ordinal
        WHERE o.object_removed_at IS NULL AND r.artifact_output <> 'AVAILABLE' AND d.run_id IS NULL
           OR o.object_removed_at IS NOT NULL AND r.artifact_output = 'AVAILABLE'""",
    "quotas count the open items": """
        SELECT u.subject_id, u.open_items FROM quota_usage u
        WHERE u.scope = 'organization'
          AND u.open_items - (SELECT coalesce(sum(q.open_items), 0) FROM quota_releases q
                              WHERE q.organization_id = u.subject_id)
              <> (SELECT coalesce(sum(p.pending_count + p.processing_count), 0)
                  FROM runs r JOIN run_progress p ON p.run_id = r.run_id
                  WHERE r.organization_id = u.subject_id)""",
}


def violations(platform):
    """rule → the rows that break it, of those rules that are broken."""
    found = {}
    with platform.sql() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for rule, query in RULES.items():
            cursor.execute(query)
            broken = cursor.fetchall()
            if broken:
                found[rule] = broken
    return found


def check(platform):
    found = violations(platform)
    assert not found, found


def check_outputs(client, run_id):
    """The run's output, as the API tells it, follows from its items, as the API tells them."""
    run, items = client.run(run_id), client.items(run_id)
    full = sum(item["output"] == "FULL" for item in items)
    want = "NONE" if full == 0 else "FULL" if full == len(items) else "PARTIAL"
    assert run["output"] == want
    assert run["statistics"]["item_succeeded_count"] == full
    assert run["statistics"]["item_count"] == len(items)
