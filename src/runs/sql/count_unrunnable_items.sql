-- → waiting_count bigint
SELECT coalesce(sum(waiting_count), 0)::bigint AS waiting_count FROM unrunnable_versions()
