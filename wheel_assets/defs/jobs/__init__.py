"""Jobs, all started by a person."""
