-- What operators ask for: /metrics and `slideway status`.

-- The open runs are few beside those that have ended. By what changes at the end only: what changes
-- with every item, as the state and the counters do, would take the change out of its page.
CREATE INDEX run_progress_open ON run_progress (run_id) WHERE terminated_at IS NULL;

-- Attempts end in about the order in which they are written: a few kB lead to those of the last hour.
CREATE INDEX attempts_by_end ON attempts USING brin (ended_at) WITH (pages_per_range = 16, autosummarize = on);

-- What waits and what is in work, of each organisation that has an open run: from the counters of
-- its runs, however many items they have. oldest_at: when the oldest run was submitted of which an
-- item waits. OFFSET 0 has each open run looked up by its key, whatever the planner thinks of a scan:
-- those that have ended become ever more.
CREATE VIEW organization_queues AS
SELECT r.organization_id, sum(p.pending_count) AS waiting_count,
       sum(p.processing_count) AS processing_count,
       min(r.submitted_at) FILTER (WHERE p.pending_count > 0) AS oldest_at
FROM run_progress p
CROSS JOIN LATERAL (SELECT organization_id, submitted_at FROM runs WHERE runs.run_id = p.run_id OFFSET 0) AS r
WHERE p.terminated_at IS NULL
GROUP BY r.organization_id;

-- What waits and fits into no living worker, by the version that needs too much. Without a worker that
-- is all that waits. Looks at the waiting runs of such classes only: mostly there is none.
CREATE FUNCTION unrunnable_versions()
RETURNS TABLE (application_id text, version_number text, cpus integer, memory_bytes bigint, gpus integer,
               waiting_count bigint)
LANGUAGE sql STABLE
SET enable_seqscan = off SET jit = off
AS $$
    SELECT v.application_id, v.number, v.cpus, v.memory_bytes, v.gpus, sum(p.pending_count)
    FROM resource_classes c
    CROSS JOIN LATERAL (SELECT run_id FROM waiting_runs WHERE waiting_runs.resource_class = c.resource_class
                        UNION ALL
                        SELECT run_id FROM stranded_runs WHERE stranded_runs.resource_class = c.resource_class) AS w
    JOIN run_progress p ON p.run_id = w.run_id
    JOIN runs r ON r.run_id = w.run_id
    JOIN application_versions v ON v.version_id = r.version_id
    WHERE NOT class_is_runnable(c)
    GROUP BY v.version_id
    ORDER BY v.application_id, v.precedence
    LIMIT 100
$$;
