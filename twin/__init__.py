"""The embedded cloud: Cloud Scheduler, the ingest service and the warehouse in one process, on loopback ports."""
