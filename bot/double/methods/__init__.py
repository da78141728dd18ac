"""What each Bot API method does: one file per kind, each registering its functions under their official names."""
