"""The audit: does a view, mask or corruption keep what the downstream task needs?

A pretext task may only destroy what the task does not need. This room measures it on the user's
own images: how often a crop or mask erases a lesion, how much of the label's signal views keep,
what a network could learn instead, which pairs are called positive, and whether values stay in
their range. Every measurement is a function of arrays and of the run's own ViewPlan, and every
number that could mislead has an interval over patients.
"""
