"""Everything that changes shoots and renders."""
