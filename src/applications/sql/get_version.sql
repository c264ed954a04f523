-- $1 application_id text, $2 number text, $3 organization_id text
-- → number text, changelog text, input_artifacts text, output_artifacts text, released_at timestamptz, allowed boolean
SELECT v.number, v.changelog, v.input_artifacts, v.output_artifacts, v.released_at,
       may_see_version(v, $3) AS allowed
FROM application_versions v
WHERE v.application_id = $1 AND v.number = $2
