-- → organization_id text, run_id uuid, due_us bigint, submitted_us bigint, pending_count integer, processing_count integer, curve integer[]
-- Runs of which anything waits, also for its time; each by its key. The order is that of
-- list_queued_organizations.
SELECT w.organization_id, w.run_id,
       CASE WHEN isfinite(w.due_date) THEN (extract(epoch FROM w.due_date) * 1000000)::bigint END AS due_us,
       (extract(epoch FROM w.submitted_at) * 1000000)::bigint AS submitted_us,
       p.pending_count, p.processing_count, q.curve
FROM (SELECT run_id, organization_id, due_date, submitted_at FROM waiting_runs
      UNION ALL
      SELECT run_id, organization_id, due_date, submitted_at FROM stranded_runs
      UNION ALL
      SELECT r.run_id, r.organization_id, coalesce(r.due_date, 'infinity'), r.submitted_at
      FROM (SELECT DISTINCT run_id FROM requeued_items) AS d
      CROSS JOIN LATERAL (SELECT * FROM runs WHERE run_id = d.run_id LIMIT 1) AS r
      WHERE NOT EXISTS (SELECT FROM waiting_runs w WHERE w.run_id = d.run_id)
        AND NOT EXISTS (SELECT FROM stranded_runs s WHERE s.run_id = d.run_id)
      LIMIT 100000) AS w
CROSS JOIN LATERAL (SELECT * FROM run_progress WHERE run_id = w.run_id LIMIT 1) AS p
LEFT JOIN LATERAL (SELECT * FROM queue_positions WHERE run_id = w.run_id LIMIT 1) AS q ON true
WHERE p.pending_count > 0
ORDER BY w.organization_id COLLATE "C", w.run_id
