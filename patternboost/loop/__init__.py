"""One search: generation after generation of train, propose, search, verify, keep.

Read `generation.py` first; then `context.py` and `state.py` (what is handed on), and `proposers/` (where walks start).
"""
