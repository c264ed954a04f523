-- → scope text, subject_id text, name text, maximum integer, used integer
-- Every quota that was set, with what its subject uses.
SELECT q.scope, q.subject_id, q.name, q.maximum,
       CASE q.name
           WHEN 'open_items' THEN coalesce(u.open_items, 0)
           WHEN 'items_per_month' THEN CASE WHEN u.month = month_of(platform_now()) THEN u.month_items ELSE 0 END
       END AS used
FROM quotas q
LEFT JOIN quota_usage u ON u.scope = q.scope AND u.subject_id = q.subject_id
ORDER BY q.scope, q.subject_id, q.name
LIMIT 10000
