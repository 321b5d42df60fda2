"""The tables, all SQL and the unit of work, on SQLite and on PostgreSQL."""
