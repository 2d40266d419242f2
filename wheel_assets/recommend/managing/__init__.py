"""Management of sold options: close, roll, hold or let be assigned."""
