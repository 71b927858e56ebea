"""The study: strategies and controls x label budgets x seeds, resumable, judged by the protocol.

config.py says what is compared; plan.py lists the jobs; jobs.py does one; ledger.py remembers
what is done; results.py turns kept predictions into numbers; verdict.py into words.
"""
