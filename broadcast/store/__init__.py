"""The store: tables, migrations and all SQL; SQLite and PostgreSQL alike."""
