"""What runs inside a serverless worker process: the fork server, the task runners, dbutils, /Volumes.

Nothing here imports the gateway; a worker knows its run only from the assignment it receives.
"""
