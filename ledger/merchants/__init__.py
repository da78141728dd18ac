"""Merchants of the coalition: who they are, their terms for points, their outlets' staff.

`merchant` reading them, their terms, the life of a lot · `authority` which role may do what · `staff` people at the counter and
their invitations · `mapping` how a merchant's till export names its columns · `retailer` a merchant that joins by an import ·
`accounts` the accounts it had before, and the codes by which their owners claim them · `tables`.
"""
