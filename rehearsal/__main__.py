"""`python -m rehearsal` is the ingest-rollout command of the checkout in the current folder."""

from rehearsal.command import main

main()
