"""API v2 spoken inwards: what every panel client knows."""
