-- $1 organization_id text, $2 weight integer
-- → organization_id text
-- No row: there is no such organisation. The operator's change is written down with it.
WITH changed AS (
    UPDATE organizations SET weight = $2 WHERE organization_id = $1 RETURNING organization_id
),
written AS (
    INSERT INTO audit (actor, action, organization_id, detail)
    SELECT 'operator', 'organization.weight_set', organization_id, jsonb_build_object('weight', $2)
    FROM changed
)
SELECT organization_id FROM changed
