"""Models are data: priors with reasons, mean functions (one file each), and the model that joins them."""
