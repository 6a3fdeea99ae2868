"""Benchmarks: `python -m bench` from the repository's root. Explained in docs/performance.md."""
