"""Events in: the issuer acts on requests alone and listens to no topic."""
