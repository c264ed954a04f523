-- → count bigint, oldest_seconds bigint
-- The oldest is null when there is none.
SELECT count(*) AS count, extract(epoch FROM platform_now() - min(refused_since))::bigint AS oldest_seconds
FROM refused_objects
