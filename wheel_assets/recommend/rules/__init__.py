"""The rules of a sale: one list, for openings and rolls alike; each entry explains itself."""
