"""The engine: plan, fold, decide, write. It is handed rules, sources and executors, and knows none of them by name."""
