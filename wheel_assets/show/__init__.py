"""Every way to look at an answer."""
