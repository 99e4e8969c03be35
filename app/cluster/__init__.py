"""What makes a cluster of several machines: certificates, transport, nodes, clocks, and where shards may run."""
