"""Pages of products, photos and uploads."""
