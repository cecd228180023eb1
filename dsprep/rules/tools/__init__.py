"""Rules about tools: their declarations, the calls of them, and the replies."""
