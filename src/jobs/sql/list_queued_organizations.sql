-- $1 organization_ids text[]
-- → organization_id text, weight integer, virtual_time bigint, organization_items integer, platform_items integer
SELECT organization_id, weight, virtual_time, organization_items, platform_items
FROM queued_organizations($1)
