"""Text to script to speech to renditions; recordings; the media shelf."""
