"""Ways to break the cluster, and the test that must notice each."""
