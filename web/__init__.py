"""The HTTP side: application, interface for programs, pages and callbacks."""
