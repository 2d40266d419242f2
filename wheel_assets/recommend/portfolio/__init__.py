"""The account as a whole: room for new puts, groups of symbols, Greeks and stress."""
