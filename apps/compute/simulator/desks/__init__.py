"""Orders of dispatch: who is next for an idle worker. Import its modules."""
