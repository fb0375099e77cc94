"""Measure a bundle on this machine: accuracy, agreement, latency. Any runtime, no TensorFlow."""
