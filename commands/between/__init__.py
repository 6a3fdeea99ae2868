"""The commands of the days between the nights."""
