"""Option chains from Databento, which cost money."""
