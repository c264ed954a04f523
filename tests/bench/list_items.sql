-- Frozen: the limit that api_list_items is measured against. The items of one run by an index, with
-- their input and their output artifact (one each in the loaded data), every column that the answer
-- of GET /v1/runs/{run_id}/items is made of. Do not improve it.
\set i random(1000000, 1099999)
SELECT i.item_id, i.external_id, i.custom_metadata_text, i.custom_metadata_checksum, i.state,
       i.termination_reason, i.error_code, i.error_message, i.terminated_at,
       n.input_artifact_id, n.name, n.download_url, n.metadata,
       o.output_artifact_id, o.name, o.metadata, o.object_key, o.mime_type
FROM (SELECT * FROM items WHERE run_id = ('0190000000007000800000000' || :i)::uuid
      ORDER BY ordinal LIMIT 50) AS i
LEFT JOIN input_artifacts n ON n.item_id = i.item_id
LEFT JOIN output_artifacts o ON o.item_id = i.item_id
ORDER BY i.ordinal;
