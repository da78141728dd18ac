"""Words, screens, refusals and notices."""
