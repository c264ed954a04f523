-- → object_key text
SELECT f.object_key FROM refused_objects f WHERE f.retry_at <= platform_now()
ORDER BY f.retry_at LIMIT 100
