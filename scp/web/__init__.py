"""The dashboard: what staff see in a browser."""
