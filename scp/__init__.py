"""The node: all that touches network, disk and database."""
