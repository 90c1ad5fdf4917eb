"""Training of the product finder: a small network that says where in a photo the product is.

Owns the pictures it learns from, all of them drawn here, the network and its training. What uses
the trained network is `engines.product_finder`. See docs/product-finder.md.
"""
