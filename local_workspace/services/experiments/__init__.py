"""MLflow experiments: nodes of the workspace's tree with tags. There are no runs here."""
