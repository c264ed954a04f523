-- A utility command: it cannot be prepared.
LISTEN slideway_work;
LISTEN slideway_cancel
