"""Answers on a terminal, by rich."""
