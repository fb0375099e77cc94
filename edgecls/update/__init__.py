"""Versions of edgecls on a device, side by side: one is current, each is tried before it stays."""
