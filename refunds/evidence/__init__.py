"""Evidence in a dispute: assembled from our own records, edited and submitted by a person before the deadline.

`pack` is pure: a case in, texts and documents out. `records` reads the case, `visits` where the customer came from.
`preparing`, `editing`, `staging` and `submitting` are the use cases; `deadlines` warns staff. Nothing is submitted
without a person.
"""
