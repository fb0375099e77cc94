"""Small parts without a subject of their own: files, processes, deadlines."""
