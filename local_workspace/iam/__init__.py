"""AWS IAM policies, evaluated: pure functions over parsed JSON, which know no service and no store.

moto evaluates no conditions, no session policies and reads NotPrincipal as deny-all, so the gateway decides itself.
Semantics: "Policy evaluation logic" and "IAM JSON policy reference" in the IAM user guide.
"""
