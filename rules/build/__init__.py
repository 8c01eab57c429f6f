"""Writes the tables that `rules` reads; nothing here is imported while instances are checked."""
