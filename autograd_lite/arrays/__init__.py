"""Arrays: their kinds, those of other libraries, lazy ones, locks, and trees of them."""
