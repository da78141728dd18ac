"""The double, driven from outside by unmodified clients over HTTP."""
