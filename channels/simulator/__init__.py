"""A fake carrier behind real HTTP: telephone, SMS and chat handsets that behave by seed or by hand."""
