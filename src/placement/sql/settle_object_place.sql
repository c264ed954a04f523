-- $1 place text, $2 moves boolean
-- → known_place text, is_settled boolean
SELECT known_place, is_settled FROM settle_object_place($1, $2)
