"""Real processes that are killed in the middle of broadcasts, with the simulator as the witness."""
