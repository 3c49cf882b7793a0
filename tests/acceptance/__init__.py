"""The commands as users see them: spawned, looked at from outside, no project code imported."""
