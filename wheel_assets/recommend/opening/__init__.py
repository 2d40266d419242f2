"""Openings: candidates, the rules they break, and the number of contracts of the best."""
