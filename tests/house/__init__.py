"""The rules that this repository keeps, beyond what linters know."""
