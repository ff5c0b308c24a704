"""Arms of a search at equal wall time: what the model adds, measured."""
