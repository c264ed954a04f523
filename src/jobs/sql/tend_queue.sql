-- $1 batch_size integer
-- → batch_limit integer
SELECT tend_queue($1) AS batch_limit
