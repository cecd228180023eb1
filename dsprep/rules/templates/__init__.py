"""Templates: rules that a pack completes with a code, a name and options (see docs/packs.md)."""
