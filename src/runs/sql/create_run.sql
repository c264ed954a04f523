-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 email text, $6 name text, $7 application_id text, $8 version_number text, $9 custom_metadata text, $10 custom_metadata_checksum text, $11 callback_context text, $12 due_date timestamptz, $13 deadline timestamptz, $14 item_ids uuid[], $15 external_ids text[], $16 item_metadata text[], $17 item_checksums text[], $18 artifact_ids uuid[], $19 artifact_items integer[], $20 artifact_places integer[], $21 artifact_names text[], $22 artifact_urls text[], $23 artifact_metadata text[], $24 idempotency_key text, $25 body_digest text, $26 dry_run boolean, $27 checked_version_id uuid, $28 rules_broken boolean
-- → outcome text, quota jsonb, run_id uuid, version_number text, version_id uuid, input_artifacts text, input_names text
SELECT outcome, quota, made_run_id AS run_id, made_version_number AS version_number, version_id,
       input_artifacts, input_names
FROM create_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                $20, $21, $22, $23, $24, $25, $26, $27, $28)
