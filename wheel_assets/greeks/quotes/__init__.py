"""Inference from the quotes of a chain: usable prices, the spot, forwards, dividends, events."""

CONTRADICTED = "contradicts the options"
PRICED_MOVE = "the options price a move of"
BORROW_FEE = "hard to borrow"
URGENT = (CONTRADICTED, PRICED_MOVE, BORROW_FEE)  # words of the notes that have to be known before anything is traded
