-- $1 application_id text, $2 name text, $3 description text, $4 regulatory_classes text[], $5 number text, $6 precedence text, $7 changelog text, $8 released_at timestamptz, $9 folder text, $10 manifest text, $11 input_artifacts text, $12 output_artifacts text, $13 input_names jsonb, $14 organization_id text, $15 version_id uuid, $16 cpus integer, $17 memory_bytes bigint, $18 gpus integer, $19 error_threshold integer, $20 deadline_seconds_min integer
-- → outcome text
SELECT register_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                        $15, $16, $17, $18, $19, $20) AS outcome
