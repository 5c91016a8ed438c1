"""Code location 2: tables, the steps that build them, arrival of new files. No credentials or buckets here."""
