"""What the pages of shoots read. Nothing here changes anything."""
