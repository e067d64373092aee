"""How do I hand the model over?"""
