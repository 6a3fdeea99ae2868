"""The commands that set the rollout up, and those for workflows."""
