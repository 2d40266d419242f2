"""The rules of a sale: one list for openings and rolls; each entry explains itself."""
