"""A recount of a till export in plain Python, without any of the project's code: file in, CSV out.

    python tests/recount.py EXPORT.csv[.gz] > recount.csv

Written separately from the import, from the retailer's terms alone, so that the two can be compared: one point per whole pound of
an invoice's total; a «C» invoice takes back its customer's most recent earlier lines of the same stock code, newest first, at
the price they were bought for. It holds the whole file in memory and uses fractions: slow, plain, exact.
"""

import csv
import gzip
import sys
from collections import defaultdict
from fractions import Fraction
from math import floor


def points_by_customer(path):
    """Points of every customer with at least one line that counts, by customer number."""
    invoices = defaultdict(list)
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        for line in csv.DictReader(file):
            invoices[line["Invoice"]].append(line)  # a dict keeps the order of first appearance

    value = {}  # (invoice, customer) -> pounds that were not returned
    returnable = defaultdict(list)  # (customer, stock code) -> [[invoice, pieces left, price], …], oldest first
    for number, lines in invoices.items():
        if number.startswith("A"):
            continue
        for line in lines:
            customer, stock_code = line["Customer ID"], line["StockCode"]
            quantity, price = int(line["Quantity"]), Fraction(line["Price"])
            if not customer or price <= 0:
                continue
            if not number.startswith("C"):
                if quantity > 0:
                    value[number, customer] = value.get((number, customer), 0) + quantity * price
                    returnable[customer, stock_code].append([number, quantity, price])
                continue
            wanted = -quantity
            for bought in reversed(returnable[customer, stock_code]):
                if wanted <= 0:
                    break
                back = min(wanted, bought[1])
                bought[1] -= back
                wanted -= back
                value[bought[0], customer] -= back * bought[2]

    points = defaultdict(int)
    for (_, customer), pounds in value.items():
        points[customer] += floor(pounds)
    return dict(points)


def main():
    """Writes `external_id,points`, by customer number."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["external_id", "points"])
    out.writerows(sorted(points_by_customer(sys.argv[1]).items()))


if __name__ == "__main__":
    main()
