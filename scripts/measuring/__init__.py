"""Take the project's figures: one module per part, each gives a section of the page."""
