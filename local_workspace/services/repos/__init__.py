"""Git folders: checkouts of remote repositories in the workspace's tree."""
