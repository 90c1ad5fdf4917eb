"""Hands of the autoscaler: one module for each kind of fleet, each the only door to its system."""
