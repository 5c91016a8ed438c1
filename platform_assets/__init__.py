"""Code location 1: the declared estate, its resource types, and how it is reconciled. No data lives here."""
