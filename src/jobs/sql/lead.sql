-- → leads boolean
-- The lock is held by the session; asking again while holding it would stack, so it is looked up.
SELECT EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                 AND classid = 0 AND objid = 7534 AND objsubid = 1)
       OR pg_try_advisory_lock(7534) AS leads
