"""Keep visits through power cuts: SQLite for what happened, JPEG files for how it looked."""
