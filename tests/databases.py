"""Empty databases for tests."""
