"""Data that was there before: from old files and foreign documents into our columns."""
