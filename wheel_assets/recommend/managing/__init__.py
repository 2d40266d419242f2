"""What becomes of an option that was sold: close, roll, hold, or assignment."""
