"""The catalog: which rules, executors, packs and targets there are, dsprep's own and those of plugins."""
