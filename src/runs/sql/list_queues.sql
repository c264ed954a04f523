-- $1 organizations_max integer
-- → organization text, waiting_count bigint, processing_count bigint, oldest_seconds bigint
-- The longest queues by the organisation's id, all the others together as "other".
WITH queues AS (
    SELECT o.organization_id, coalesce(q.waiting_count, 0) AS waiting_count,
           coalesce(q.processing_count, 0) AS processing_count, q.oldest_at,
           row_number() OVER (ORDER BY coalesce(q.waiting_count, 0) DESC, o.organization_id) AS place
    FROM organizations o
    LEFT JOIN organization_queues q ON q.organization_id = o.organization_id
)
SELECT CASE WHEN place <= $1::integer THEN organization_id ELSE 'other' END AS organization,
       sum(waiting_count)::bigint AS waiting_count, sum(processing_count)::bigint AS processing_count,
       greatest(coalesce(extract(epoch FROM platform_now() - min(oldest_at))::bigint, 0), 0) AS oldest_seconds
FROM queues
GROUP BY 1
ORDER BY 1
