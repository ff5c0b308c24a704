"""The lecture's experiments: what a small transformer learns from strings alone, each by one command."""
