"""Rules over the synthesized JSON."""
