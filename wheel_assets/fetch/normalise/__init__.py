"""Normalisation of vendors' answers to rows of our tables."""
