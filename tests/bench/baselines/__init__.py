"""The handlers that the product is measured against: as little code as does the job, as one would write it by hand."""
