"""Honest fakes of the contracts in ports.py; each passes its port's contract suite."""
