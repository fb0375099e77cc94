"""Workstation only: read a data set, train with Keras, quantize, and pack a bundle."""
