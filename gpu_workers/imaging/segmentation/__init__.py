"""Finding the product in a source photo without a trained network.

Owns the way from a small photo to one mask with a confidence, in pure functions over numpy and
OpenCV. Does not own soft edges (`matte`), edge colors (`foreground`) nor the order of the steps
(`engines.classical_segmenter`).

Arrays here are small: the photo scaled to `WORK_SIDE_PX`. Colors are CIE Lab, L 0 to 100.
"""
