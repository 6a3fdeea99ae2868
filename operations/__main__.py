"""`python -m operations` is the ingest-rollout command of the checkout in the current folder."""

from operations.cli import main

main()
