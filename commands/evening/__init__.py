"""The commands of an evening on which a night is deployed."""
