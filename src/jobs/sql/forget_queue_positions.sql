-- → forget_queue_positions void
SELECT forget_queue_positions()
