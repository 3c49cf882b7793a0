"""The commands as users run them: in their own processes, without importing project code."""
