"""The record of what was done, and what it allows."""
