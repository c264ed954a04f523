-- $1 key_id uuid
-- → outcome text
SELECT revoke_api_key($1) AS outcome
