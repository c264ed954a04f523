-- → attempt_id uuid, item_id uuid, run_id uuid
-- An attempt that was handed over may still be writing; its worker gets some minutes to notice.
SELECT attempt_id, item_id, run_id
FROM attempts
WHERE ended_at IS NOT NULL AND outcome <> 'SUCCEEDED' AND objects_swept_at IS NULL
  AND (outcome NOT IN ('LOST', 'CANCELLED') OR ended_at < platform_now() - interval '10 minutes')
ORDER BY ended_at
LIMIT 100
