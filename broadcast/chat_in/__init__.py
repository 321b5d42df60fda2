"""Conversations by chat: menus as data, no provider in sight."""
