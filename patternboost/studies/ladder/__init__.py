"""Many sizes in one budget, each seeded by its neighbours. Read `ladder.py` first; `choosing.py` says which is next."""
