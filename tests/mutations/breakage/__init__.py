"""Ways to break a cluster that the fault catalogue has not, each with its way back."""
