"""The exporter, without Redis."""
