-- A utility command: it takes no parameters, has no plan and cannot be prepared.
CREATE DATABASE slideway
