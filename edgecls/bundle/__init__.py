"""The bundle: a model, how to feed it, what its answers mean, and proof that nothing changed."""
