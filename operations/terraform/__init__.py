"""Terraform: synthesis, plans, applies, and the state."""
