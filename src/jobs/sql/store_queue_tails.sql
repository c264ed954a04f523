-- $1 organization_ids text[], $2 organization_items integer[], $3 platform_items integer[]
INSERT INTO queue_tails (organization_id, organization_items, platform_items)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[])
ON CONFLICT (organization_id) DO UPDATE
    SET organization_items = excluded.organization_items, platform_items = excluded.platform_items
