"""Acceptance of high-availability web clusters: HAProxy, keepalived, and what clients feel."""
