"""The one HTTP client: bounded in time, size and attempts."""
