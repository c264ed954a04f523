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
