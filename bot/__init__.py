"""The process: settings, assembly, the Telegram edge, and the Bot API double it is tested against."""
