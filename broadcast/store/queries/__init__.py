"""All SQL of the hot path and of the reports, a file a use case."""
