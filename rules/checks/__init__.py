"""What is checked, one topic a file. Every module here is imported by the registry."""
