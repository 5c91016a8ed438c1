"""Unity Catalog 2.1: securables, who may do what with them, and the temporary credentials that follow from it."""
