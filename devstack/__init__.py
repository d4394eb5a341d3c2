"""The development stack: real servers on local ports, without a container engine.

Everything here runs on Python's standard library alone, because it is what makes the virtual
environment in the first place. Two modules are the exception and are started with the
environment's own Python: prepare_store and portal_setup.
"""
