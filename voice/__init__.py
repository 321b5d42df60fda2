"""Text and recordings in, sound files at the right level out."""
