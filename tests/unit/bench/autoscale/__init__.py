"""The played scaler."""
