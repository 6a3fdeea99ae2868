"""The rollout as pictures: the nights, and the schedule before and after them; as SVG, HTML page and PNG."""
