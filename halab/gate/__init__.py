"""The gate before a change: is a candidate set-up as good as today's? See docs/gate.md."""
