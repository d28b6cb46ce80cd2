"""The demo: an invented ISP moves from Sonar to Splynx, changes meanwhile, and both sides are compared."""
