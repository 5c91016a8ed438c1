"""The authorization matrix, executed: every role tries every verb on every securable, through every way in.

`roles` and `rules` are data: who holds what, and what each verb needs by the public documentation. `expectation` turns
them into an answer, on its own: it shares nothing with the local workspace's evaluator. The modules `..._verbs` do
the trying, `trial` compares, `report` and `page` show.
"""
