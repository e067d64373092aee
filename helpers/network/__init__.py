"""What is the network, what do I change, what moved?"""
