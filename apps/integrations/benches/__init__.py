"""What the product costs beside the work it carries, measured on stacks that are thrown away."""
