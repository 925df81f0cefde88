"""Studies: what papers printed, how practice was coded, and what the thesis claims."""
