"""What runs when: ticks, plans and the worker loop."""
