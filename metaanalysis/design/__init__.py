"""What a design can tell: simulation from the models, and calibration of the answers by it."""
