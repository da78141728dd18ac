"""Scheduled duties, one file each. A duty is run in chunks, each a turn of its own: one key, one transaction. It remembers
nothing: what is left to do follows from the tables, where it stopped from the chunk's `progress`. Run twice it does once.

    duty          what a duty is and what a chunk may touch
    release       pending points become available on their day
    expire        points end after their last day, and their members are told
    extend        what ran out comes back where an operator extended the deadline, and its members are told
    favourites    whoever can have what they keep an eye on, or finds it back, hears of it in the morning
    birthdays     whoever has a birthday, or a child with one, is greeted with what the programme gives
    bookings      booked times that nobody came to end
    booking_reminders members hear of what they have booked, the evening and some hours before
    bookings_today counters hear in the morning what is booked
    lapse_holds   points set aside return when nobody came for them
    referrals     invited friends' first purchases are found, and both sides rewarded or what was refunded taken back
    pool_morning  what people said goes into their family's pool by itself
    pool_requests requests to the head of a family whose time is over
    gifts         what nobody accepted in time returns to whoever offered it
    together      what one has begun to redeem and nobody joined in time returns
    merges        what still came in for a merged account goes on to who has it now
    tiers         members move between tiers, and are warned before they do
    dividends     the shares of a dividend that is underway are given
    certificates  merchants' certificates come to their end
    shifts        shifts that nobody closed end with their day
    green_ratings what merchants sold is counted, for their green letters
    clearing_close the week that is over is settled between merchants, and each hears what it came to
    cover         what stands behind points is counted, and who nears its end is warned
    prune_keys    keys, sent messages and slots that nobody will ask for any more
"""
