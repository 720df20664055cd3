"""The shop, for whoever looks around without an account: what is on sale, and where it is live."""
