"""The checkout on this machine: whole files, the lock of its output, its settings."""
