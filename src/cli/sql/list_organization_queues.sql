-- → organization_id text, waiting_count bigint, processing_count bigint, oldest_seconds bigint
-- Organisations with an open run, the longest queue first. oldest_seconds is null when nothing waits.
SELECT organization_id, waiting_count, processing_count,
       extract(epoch FROM platform_now() - oldest_at)::bigint AS oldest_seconds
FROM organization_queues
ORDER BY waiting_count DESC, organization_id
LIMIT 1000
