"""What the quotes of a chain tell: prices that can be meant, the spot, forwards, dividends, events."""
