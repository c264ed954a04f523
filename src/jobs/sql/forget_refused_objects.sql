-- $1 object_keys text[]
DELETE FROM refused_objects f WHERE f.object_key = ANY ($1)
