"""Executors: what runs the fold. One file each; the catalog names them."""
