"""Everything that changes the backlog, the fleet and what both have learned."""
