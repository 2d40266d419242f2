"""What any vendor sent, as rows of our tables."""
