"""What both code locations ask of a declaration: columns, types, texts, and where it stands. Pure."""
