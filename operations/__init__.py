"""What an operator runs: the ingest-rollout command and what it reads. Never imports stacks or cdktf."""
