"""What a preference data set is like, before anything is trained on it.

A file becomes rows (`formats`), rows become examples (`form`), every check looks at each example once (`judge`), and
what they found is told with row numbers. What should go can be left out of a copy (`clean`).
"""
