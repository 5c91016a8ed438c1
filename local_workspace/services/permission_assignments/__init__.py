"""Which of the account's principals are assigned to the workspace: its groups users and admins say so."""
