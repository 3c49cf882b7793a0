"""Fault injection tests with real servers and real workers."""
