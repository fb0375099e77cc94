"""From a float model to int8: improve the graph, observe it once, quantize for each runtime."""
