"""The node: all that touches network, disk and database."""

__version__ = "0.1.0"
