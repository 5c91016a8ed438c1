"""One file per type of resource: what it should be, how it is read, created, changed, deleted.

Which resources there are is in declarations/; what to do about differences in reconcile/.
"""
