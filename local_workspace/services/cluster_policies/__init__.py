"""Cluster policies: definitions and who may use them. There are no clusters here: no policy is ever applied to one."""
