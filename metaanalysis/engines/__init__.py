"""Engines turn a model and a table into a fit: exact quadrature, MCMC, and classical estimators."""
