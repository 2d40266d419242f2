"""Is it here, and fresh?"""
