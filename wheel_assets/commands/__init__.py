"""What each command of `wheel` does."""
