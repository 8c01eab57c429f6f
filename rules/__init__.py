"""What dicomgate knows of PS3.3. Knows no network, clock, disk or database."""

OWNER = "dicomgate"
"""Marks this package as dicomgate's own: the package index has another project that installs `rules`."""
