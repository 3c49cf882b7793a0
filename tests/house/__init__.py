"""Rules of this repository that linters do not check."""
