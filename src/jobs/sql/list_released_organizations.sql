-- → organization_id text
-- Whose ended items are not taken off the use of their quotas yet.
SELECT DISTINCT organization_id FROM quota_releases LIMIT 10000
