"""The page that the household opens, and its JSON for programs. Loopback only."""
