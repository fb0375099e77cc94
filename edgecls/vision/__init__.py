"""What moved, where to look, and when somebody is there: pure functions of frames and times."""
