"""What a scene template may say about its own kind of picture, beyond backdrop, light and framing.

One module for each kind that has such options, each with one frozen dataclass of typed fields
(`gpu_workers.typed_fields`); `table` knows them all. Standard library only: the web reads them.
"""
