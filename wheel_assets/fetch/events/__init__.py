"""Earnings and ex-dividend dates: a file of your own, public calendars, and how far each is trusted."""
