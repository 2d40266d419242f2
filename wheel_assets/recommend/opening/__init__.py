"""What to open: candidates, the rules they fail, how many contracts of the best."""
