"""All SQL, a file a use case."""
