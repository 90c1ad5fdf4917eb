"""What changes products and photos."""
