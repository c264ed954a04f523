-- $1 file_ids uuid[]
DELETE FROM bucket_strays s WHERE s.file_id = ANY ($1)
