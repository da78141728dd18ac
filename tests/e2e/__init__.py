"""The whole product at once: the bot as it starts without a token, used by people in a browser."""
