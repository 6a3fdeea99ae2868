"""`python -m commands` is the ingest-rollout command of the checkout in the current folder."""

from commands.cli import main

main()
