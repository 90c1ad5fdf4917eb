"""The fleet without machines: the production policy on a virtual clock. Pure."""
