"""Terraform stacks: composition only."""
