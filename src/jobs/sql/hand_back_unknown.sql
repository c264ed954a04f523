-- $1 worker_id uuid, $2 known_attempts uuid[]
-- → returned_items integer
SELECT hand_back_unknown($1, $2) AS returned_items
