"""Put image classifiers on small cameras: quantize, measure, flash, and watch a door."""

__version__ = "0.1.0"
