"""The embedded twin: the whole rollout played on this machine, without any cloud account."""
