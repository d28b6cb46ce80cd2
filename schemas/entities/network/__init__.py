"""The network as capture reads it: sites, address space, who holds which address, RADIUS, planned moves."""
