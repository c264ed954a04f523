-- → virtual_time bigint, slot_count bigint, processing_count bigint
SELECT virtual_time, slot_count, processing_count FROM queue_facts()
