"""What the engine asks of arrays."""
