"""People: who a member is, how they are found and forgotten, what they agreed to.

`member` the programme's view of a person (no personal data) · `person` Telegram's id and personal fields, encrypted with a key
per member and found by a blind index · `vault` the ciphers · `joining` a newcomer becomes a member · `consent` agreements by
purpose and version · `profile` language, region, birthday · `birthdays` when one is kept and counts · `card` the code shown at a
till · `walk_ins` customers without Telegram, by paper card or phone · `claims` accounts from before somebody joined, claimed by
their owner · `claim_codes` by which · `succession` who has an account now that was claimed or merged · `credit_standing` what an
assessor says, by consent · `operators` who runs the programme · `invitations` one-time links by which people join a counter, a
company or a family · `business` companies and who uses their accounts · `families` who has a place in one · `leaving` them ·
`household` whose pieces are counted together · `tiers` the ladder (pure) · `standings` who stands where, stored · `ending` those
bought or given that end soon · `upgrades` proposals for those whose visits speed up · `tables`.
"""
