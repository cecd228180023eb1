"""Rules about preference data: what is said of pairs of answers."""
