SELECT pg_advisory_unlock(hashtext('slideway-migrate'));
RESET lock_timeout;
RESET statement_timeout;
