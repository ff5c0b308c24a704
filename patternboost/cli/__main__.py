"""`python -m patternboost.cli`."""

from patternboost.cli import main

main()
