"""Accounts out of files."""
