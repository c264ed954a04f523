-- $1 application_id text, $2 number text, $3 documents jsonb
-- → stored void
SELECT store_documents($1, $2, $3) AS stored
