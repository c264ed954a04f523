-- → application_id text, version_number text, cpus integer, memory_bytes bigint, gpus integer, waiting_count bigint
SELECT application_id, version_number, cpus, memory_bytes, gpus, waiting_count
FROM unrunnable_versions()
