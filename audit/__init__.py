"""An audit that tries to make the system lose or double a record, and says whether it could.

It knows the system by its wire, its stores and the local runner, and shares no code with what it
judges.
"""
