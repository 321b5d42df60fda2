"""Conversations by telephone: menus as data, no provider in sight."""
