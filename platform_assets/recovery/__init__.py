"""Disaster recovery: snapshots of the estate as it is, and an equal estate made of one in another region.

Reading, planning and applying are reconcile's; what a type can say of itself is resource_types'.
"""
