"""What should I do now? The options wheel, answered on demand from one local cache."""
