"""How a night is judged: runs, freshness, the gate's checks, and the same for nights that were."""
