"""Questions asked of a fit after it is made: one file per check."""
