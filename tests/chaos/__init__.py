"""Tests that kill things: real servers, real workers, and what goes wrong in the field."""
