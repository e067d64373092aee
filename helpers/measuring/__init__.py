"""How good, how sure, at what cost?"""
