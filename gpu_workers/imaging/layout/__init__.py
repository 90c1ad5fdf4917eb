"""Words and shapes on a picture: fonts, lines, sizes, zones, ink.

From the ground up: `sfnt` reads what a font file can show, `fonts` chooses among files, `breaking`,
`bidi` and `casing` know how scripts are written, `paragraph` turns a text into lines of a width,
`stack` sets several texts under each other, `zones` says where on a canvas, `ink` what is readable
there, `badge` draws what words stand on. Only `paragraph` and `fonts` touch Pillow's fonts.
"""
