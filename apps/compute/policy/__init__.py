"""Decisions about backlog and fleet: pure functions over frozen values."""
