"""What must hold of the rows of a table."""
