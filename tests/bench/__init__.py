"""`make bench`: how light the product is beside the bare handlers that it replaces."""
