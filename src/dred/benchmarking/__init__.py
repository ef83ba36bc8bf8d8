"""How fast everything is, and against what: the machinery of `dred bench`.

    speech -> material -> works (stages, streams, redundancy, another libopus) -> rounds, with the yardstick -> results
                     '-> latency, memory, fresh processes ----------------------------------------------------'

Costs are CPU time, told also as a share of the yardstick: what libopus takes to encode the same speech, in the same
rounds. Nothing is imported here, so that a fresh process that is timed loads what it needs and nothing else.
"""
