"""Model check of capture: random histories of a source against the real code, and naive strategies that must fail."""
