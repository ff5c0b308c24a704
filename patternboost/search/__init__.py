"""The classical half: orbit tables, conflict counts, repair, greedy fill and tabu search, in numba."""
