"""Text from outside: the shapes of what is read, and what of it may be shown."""
