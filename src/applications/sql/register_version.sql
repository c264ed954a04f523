-- $1 application_id text, $2 name text, $3 description text, $4 regulatory_classes text[], $5 number text, $6 precedence text, $7 changelog text, $8 released_at timestamptz, $9 folder text, $10 manifest text, $11 input_artifacts text, $12 output_artifacts text, $13 input_names jsonb, $14 organization_id text
-- → outcome text
SELECT register_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS outcome
