"""The command line: a thin shell for each command, and what the shells share."""
