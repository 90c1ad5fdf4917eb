"""Blank objects for mockups, rendered procedurally: mug, carton, bottle, garments, prints."""
