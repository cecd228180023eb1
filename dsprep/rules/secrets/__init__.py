"""Rules about keys, passwords and texts that try to give orders."""
