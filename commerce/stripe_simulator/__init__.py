"""A small server that answers like Stripe's API, for demos, development and tests. No money ever moves
here.

It stands alone: it imports nothing of this project, and of the `stripe` package only the types, from which
it reads which parameters exist and how objects look. `docs/stripe-simulator.md` says what it does and what
it does not.
"""
