"""Effects: from the numbers a paper printed to one table of estimates on the scale of a measure."""
