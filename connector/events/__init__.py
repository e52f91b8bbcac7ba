"""Events: what Crisp tells becomes what others are told of."""
