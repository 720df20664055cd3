"""The till: purchases that arrive together are written together, exact and in the order of their arrival.

`asking` is what a buyer asks and what comes of it; `reading` reads all that a batch needs, what is counted
under lock; `deciding` says yes or no, purely; `writing` writes what was accepted; `ringing` makes one
transaction of it; `counter` is the thread that collects batches.
"""
