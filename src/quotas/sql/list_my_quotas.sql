-- $1 organization_id text, $2 user_id text
-- → scope text, name text, maximum integer, used integer
SELECT s.scope, n.name, quota_maximum(s.scope, s.subject_id, n.name) AS maximum,
       CASE n.name
           WHEN 'open_items' THEN coalesce(u.open_items, 0) - r.open_items
           WHEN 'items_per_month' THEN
               CASE WHEN u.month = month_of(platform_now()) THEN u.month_items
                    ELSE month_use(s.scope, s.subject_id, month_of(platform_now()))
               END - r.month_items
       END AS used
FROM (VALUES (1, 'organization', $1), (2, 'user', $2)) AS s (place, scope, subject_id)
CROSS JOIN (VALUES (1, 'items_per_run'), (2, 'open_items'), (3, 'items_per_month')) AS n (place, name)
LEFT JOIN quota_usage u ON u.scope = s.scope AND u.subject_id = s.subject_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(q.open_items), 0)::integer AS open_items,
           coalesce(sum(q.month_items) FILTER (WHERE q.month = month_of(platform_now())), 0)::integer AS month_items
    FROM quota_releases q
    WHERE q.organization_id = $1 AND (s.scope = 'organization' OR q.user_id = $2)
) AS r
ORDER BY s.place, n.place
