"""Scheduled duties, one file each. A duty is run in chunks, each a turn of its own: one key, one transaction. It remembers
nothing: what is left to do follows from the tables, where it stopped from the chunk's `progress`. Run twice it does once.

    duty          what a duty is and what a chunk may touch
    release       pending points become available on their day
    expire        points end after their last day, and their members are told
    lapse_holds   points set aside return when nobody came for them
    prune_keys    keys, sent messages and slots that nobody will ask for any more
"""
