-- → scope text, subject_id text, name text, maximum integer, used integer
-- Every quota that was set, with what its subject uses.
WITH released AS (
    SELECT s.scope, s.subject_id, sum(q.open_items)::integer AS open_items,
           coalesce(sum(q.month_items) FILTER (WHERE q.month = month_of(platform_now())), 0)::integer
               AS month_items
    FROM quota_releases q
    CROSS JOIN LATERAL (VALUES ('organization', q.organization_id), ('user', q.user_id))
               AS s (scope, subject_id)
    GROUP BY s.scope, s.subject_id
)
SELECT q.scope, q.subject_id, q.name, q.maximum,
       CASE q.name
           WHEN 'open_items' THEN coalesce(u.open_items, 0) - coalesce(r.open_items, 0)
           WHEN 'items_per_month' THEN
               CASE WHEN u.month = month_of(platform_now()) THEN u.month_items
                    ELSE month_use(q.scope, q.subject_id, month_of(platform_now()))
               END - coalesce(r.month_items, 0)
       END AS used
FROM quotas q
LEFT JOIN quota_usage u ON u.scope = q.scope AND u.subject_id = q.subject_id
LEFT JOIN released r ON r.scope = q.scope AND r.subject_id = q.subject_id
ORDER BY q.scope, q.subject_id, q.name
LIMIT 10000
