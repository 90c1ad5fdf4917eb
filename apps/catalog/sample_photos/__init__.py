"""Demo product photos, rendered procedurally: no camera, no third-party picture, no font file."""
