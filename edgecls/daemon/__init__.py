"""The watch at the door: camera to decision to store to page, put together in main.py."""
