"""What `check` found, in the forms that people and programs read; each form is imported only when it is asked for."""
