"""What is in deploy/, tried with the tools that read it."""
