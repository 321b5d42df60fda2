"""What people see in a browser: signing in, writing and recording, and watching a broadcast arrive."""
