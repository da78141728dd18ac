"""The playground: its server over HTTP, its page in a browser, and `browser`, the helper for journeys through the page."""
