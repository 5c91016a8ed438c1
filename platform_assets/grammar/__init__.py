"""What services accept, one module for each: names, types, privileges, levels, sizes. Pure; it knows no resource type.

A function here yields a sentence for each thing that the service would refuse. Resource types ask them
(`Resource.find_problems`), and `reconcile/declared.py` raises what they answer for a whole estate at once.
"""
