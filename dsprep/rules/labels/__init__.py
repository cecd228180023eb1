"""Rules about labels that are wrong one by one."""
