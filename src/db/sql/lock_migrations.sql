-- Two programs that migrate at once: the second one waits here and then finds nothing to do.
SET statement_timeout = 0;
SET lock_timeout = '60s';
SELECT pg_advisory_lock(hashtext('slideway-migrate'));
SET lock_timeout = 0;
