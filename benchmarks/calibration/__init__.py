"""How well the rules find what is wrong, and how often they are wrong: faults planted into clean real text."""
