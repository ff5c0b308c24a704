"""Pictures of constructions and reports of runs."""
