"""Jobs 2.2: runs, jobs, their state machine and the runner that executes tasks on the serverless pool."""
