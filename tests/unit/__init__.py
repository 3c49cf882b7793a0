"""Pure and fast: no server, no network, no model. Mirrors the source tree."""
