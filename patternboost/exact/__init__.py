"""The exact half: what is forbidden as constraints of a solver, proofs of optimality, solver-powered repair."""
