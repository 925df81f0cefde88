"""The classical engine: frequentist estimators, robust errors and threshold tests."""
